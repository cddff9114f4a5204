// DeleteObject and DeleteObjects.
#include "api/http/worker.hpp"
#include "api/s3/call.hpp"
#include "api/s3/conditions.hpp"
#include "api/s3/headers.hpp"
#include "api/s3/names.hpp"
#include "api/s3/shapes.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <exception>

namespace troupe::s3 {

http::task<> on_delete_object(call& c) {
  auto conditions = must(write_conditions(c.header("If-Match"), {}));
  must(co_await c.store.remove(c.bucket(), c.key(), std::move(conditions)));
  c.res.status = 204;
  co_await c.res.send();
}

namespace {

constexpr std::size_t keys_max = 1000;
constexpr std::size_t lanes_max = 32; // deletes of one request under way at once

struct doomed {
  std::string key;
  std::optional<std::string> version, etag;
  bool by_time_or_size = false;
};

struct doomed_list {
  std::vector<doomed> objects;
  bool quiet = false;
};

doomed_list parse_doomed(const std::string& text, std::size_t bytes_max) {
  const auto document = must(xml_document::parse(text, bytes_max));
  const auto root = document.root();
  if (root.name() != "Delete") throw s3_error{ec::malformed_xml};
  doomed_list list;
  for (const auto child : root.children()) {
    if (child.name() == "Quiet") list.quiet = child.text() == "true";
    if (child.name() != "Object") continue;
    if (list.objects.size() == keys_max) throw s3_error{ec::malformed_xml};
    auto key = child.child_text("Key");
    if (!key) throw s3_error{ec::malformed_xml};
    list.objects.push_back({.key = std::move(*key),
      .version = child.child_text("VersionId"),
      .etag = child.child_text("ETag"),
      .by_time_or_size = child.child("LastModifiedTime") || child.child("Size")});
  }
  if (list.objects.empty()) throw s3_error{ec::malformed_xml};
  return list;
}

http::task<result<>> remove(call& c, const doomed& d) {
  if (auto ok = check_key(d.key); !ok) co_return ok.error();
  if (!is_allowed(c, identity::action::remove, c.where.bucket, d.key)) co_return fail(ec::access_denied, {});
  if (d.version && !d.version->empty())
    if (auto ok = check_version_id(*d.version); !ok) co_return ok.error();
  if (d.by_time_or_size)
    co_return fail(ec::not_implemented, "Deleting by modification time or size is not implemented.");
  auto conditions = write_conditions(d.etag.value_or(""), {});
  if (!conditions) co_return conditions.error();
  co_return co_await c.store.remove(c.bucket(), d.key, std::move(*conditions));
}

// Takes the next key until there is none.
http::task<> lane(call& c, const std::vector<doomed>& all, std::size_t& next, std::vector<result<>>& done) {
  while (next < all.size()) {
    const auto i = next++;
    done[i] = co_await remove(c, all[i]);
  }
}

// Side by side, so that their commits share the log's fsyncs.
http::task<std::vector<result<>>> remove_all(call& c, const std::vector<doomed>& all) {
  namespace asio = http::asio;
  std::vector<result<>> done(all.size());
  std::size_t next = 0;
  const auto io = c.req.io().context().get_executor();
  using one = decltype(asio::co_spawn(io, lane(c, all, next, done), asio::deferred));
  std::vector<one> lanes;
  for (std::size_t i = 0; i < std::min(lanes_max, all.size()); ++i)
    lanes.push_back(asio::co_spawn(io, lane(c, all, next, done), asio::deferred));
  auto group = asio::experimental::make_parallel_group(std::move(lanes));
  auto [order, failures] =
    co_await group.async_wait(asio::experimental::wait_for_all{}, asio::use_awaitable_t<http::executor>{});
  for (const auto& failure : failures)
    if (failure) std::rethrow_exception(failure);
  co_return done;
}

} // namespace

http::task<> on_delete_objects(call& c) {
  auto content = c.content();
  if (!content.guarded()) throw s3_error{ec::invalid_request, "Missing required header for this request: Content-MD5"};
  (void)content.length(); // 411 when there is none
  const auto text = co_await content.read_document(c.config.document_bytes_max);
  const auto list = parse_doomed(text, c.config.document_bytes_max);
  must(co_await c.store.bucket(c.bucket()));
  std::string xml;
  xml_writer x{xml};
  x.open("DeleteResult", xml_namespace);
  const auto results = co_await remove_all(c, list.objects);
  for (std::size_t i = 0; i < results.size(); ++i) {
    const auto& d = list.objects[i];
    if (results[i]) {
      if (list.quiet) continue;
      x.open("Deleted").element("Key", d.key);
      if (d.version) x.element("VersionId", *d.version);
      x.close();
      continue;
    }
    const s3_error e{results[i].error()};
    x.open("Error").element("Key", d.key);
    if (d.version) x.element("VersionId", *d.version);
    x.element("Code", e.what_is.code).element("Message", e.text()).close();
  }
  x.close();
  co_await c.send_xml(std::move(xml));
}

} // namespace troupe::s3
