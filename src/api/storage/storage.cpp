#include "api/storage/storage.hpp"

#include "api/admin/console.hpp"
#include "api/s3/names.hpp"
#include "api/storage/call.hpp"
#include "codec/text.hpp"

#include <boost/json/serialize.hpp>

#include <array>

namespace troupe::storage {

namespace {

using identity::action;

template <action A>
void bucket(const call& c) {
  c.from.require(A, c.bucket());
}
template <action A>
void object(const call& c) {
  c.from.require(A, c.bucket(), c.key());
}
void shown(const call& c) { c.from.require_shown(c.bucket()); }
void names(const call& c) { c.from.require(action::list, c.bucket(), c.query("prefix")); }
void cluster(const call& c) { c.from.require(action::read, {}); }

using route = surface_route<call>;
constexpr std::array routes{
  route{"GET", "/storage/buckets", "StorageListBuckets", on_list_buckets, handler_asks},
  route{"POST", "/storage/buckets", "StorageCreateBucket", on_post_bucket, handler_asks},
  route{"GET", "/storage/buckets/{bucket}", "StorageGetBucket", on_get_bucket, shown},
  route{"PUT", "/storage/buckets/{bucket}", "StorageCreateBucket", on_create_bucket, bucket<action::admin>},
  route{"DELETE", "/storage/buckets/{bucket}", "StorageDeleteBucket", on_delete_bucket, bucket<action::admin>},
  route{"GET", "/storage/buckets/{bucket}/objects", "StorageListObjects", on_list_objects, names},
  route{"PUT", "/storage/buckets/{bucket}/objects/{key*}", "StoragePutObject", on_put_object, object<action::write>},
  route{"GET", "/storage/buckets/{bucket}/objects/{key*}", "StorageGetObject", on_get_object, object<action::read>},
  route{"DELETE", "/storage/buckets/{bucket}/objects/{key*}", "StorageDeleteObject", on_delete_object,
    object<action::remove>},
  route{"GET", "/storage/cluster/status", "StorageClusterStatus", on_cluster_status, cluster},
  // The same by shorter names.
  route{"GET", "/buckets", "StorageListBuckets", on_list_buckets, handler_asks},
  route{"GET", "/buckets/{bucket}", "StorageGetBucket", on_get_bucket, shown},
  route{"PUT", "/buckets/{bucket}", "StorageCreateBucket", on_create_bucket, bucket<action::admin>},
  route{"DELETE", "/buckets/{bucket}", "StorageDeleteBucket", on_delete_bucket, bucket<action::admin>},
  route{"PUT", "/buckets/{bucket}/{key*}", "StoragePutObject", on_put_object, object<action::write>},
  route{"GET", "/buckets/{bucket}/{key*}", "StorageGetObject", on_get_object, object<action::read>},
  route{"DELETE", "/buckets/{bucket}/{key*}", "StorageDeleteObject", on_delete_object, object<action::remove>},
};

json::object meta(std::string_view request_id, unix_ms now) {
  return {{"request_id", request_id}, {"timestamp", format_iso8601(now)}};
}

} // namespace

bool owns(std::string_view path) {
  for (const std::string_view root : paths)
    if (path.starts_with(root) && (path.size() == root.size() || path[root.size()] == '/')) return true;
  return false;
}

http::handler make_handler(config c) {
  entrance door{*c.context.identity, {}};
  return surface_handler(std::make_shared<config>(std::move(c)), routes, std::move(door));
}

std::string render_error(
  const error& e, int& status, std::string_view request_id, std::string& content_type, unix_ms now) {
  (void)console::render_error(nullptr, e, status, request_id, content_type); // most statuses are the console's
  switch (e.code) {
  case ec::bucket_already_exists:
  case ec::bucket_already_owned_by_you:
  case ec::bucket_not_empty:
  case ec::content_sha256_mismatch: status = 409; break;
  case ec::missing_content_length: status = 411; break;
  case ec::entity_too_large: status = 413; break;
  case ec::key_too_long: status = 414; break;
  case ec::invalid_range: status = 416; break;
  default: break;
  }
  const json::object inner{{"code", to_string(e.code)}, {"message", e.message}};
  return json::serialize(json::object{{"error", inner}, {"meta", meta(request_id, now)}}) + "\n";
}

http::task<> answer_data(call& c, int status, json::value data, json::object more) {
  auto about = meta(c.rq.id(), c.config.context.clock->now());
  for (auto& field : more) about[field.key()] = std::move(field.value());
  json::object envelope{{"data", std::move(data)}};
  envelope["meta"] = std::move(about);
  co_await answer(c, status, std::move(envelope));
}

http::task<> answer_data(call& c, int status, json::value data) {
  return answer_data(c, status, std::move(data), json::object{});
}

http::task<> answer_nothing(call& c) {
  c.rs.status = 204;
  co_await c.rs.send();
}

std::string call::bucket() const {
  const auto& name = parameters.at("bucket");
  must(s3::check_bucket_name(name));
  return name;
}

std::string call::key() const {
  const auto& key = parameters.at("key");
  must(s3::check_key(key));
  return key;
}

json::object bucket_json(const std::string& name, const pb::bucket_record& record) {
  return {{"name", name}, {"created", format_iso8601(record.created_ms())}, {"is_public", false}};
}

json::object object_json(const std::string& bucket, const std::string& key, const pb::object_record& record) {
  json::object out{{"bucket", bucket}, {"key", key}, {"size", record.size()}, {"etag", record.etag()},
    {"modified", format_iso8601(record.modified_ms())}};
  for (const auto& h : record.headers())
    if (h.name() == "Content-Type") out["content_type"] = h.value();
  return out;
}

} // namespace troupe::storage
