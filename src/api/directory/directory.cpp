#include "api/directory/directory.hpp"

#include "api/admin/console.hpp"
#include "api/directory/call.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <charconv>

namespace troupe::directory {

namespace {

using identity::action;

void read_key(const call& c) { c.from.require(action::read, directory_bucket, c.parameters.at("key")); }
// Who takes a key away is told its value.
void take_key(const call& c) {
  read_key(c);
  c.from.require(action::remove, directory_bucket, c.parameters.at("key"));
}
void list_keys(const call& c) { c.from.require(action::list, directory_bucket); }

using route = surface_route<call>;
constexpr std::array routes{
  route{"PUT", "/put", "DirectoryPut", on_put, handler_asks},
  route{"GET", "/get/{key*}", "DirectoryGet", on_get, read_key},
  route{"DELETE", "/delete/{key*}", "DirectoryDelete", on_delete, take_key},
  route{"GET", "/health", "DirectoryHealth", on_health, open_to_all},
  route{"GET", "/docs", "DirectoryDocs", on_docs, open_to_all},
  route{"GET", "/openapi.json", "DirectoryOpenapi", on_openapi, open_to_all},
  route{"GET", "/buckets/{id}/health", "DiskBucketHealth", on_bucket_health, list_keys},
  route{"GET", "/buckets/{id}/keys", "DiskBucketKeys", on_bucket_keys, list_keys},
  route{"PUT", "/buckets/{id}/put", "DiskBucketPut", on_put, handler_asks},
  route{"GET", "/buckets/{id}/get/{key*}", "DiskBucketGet", on_get, read_key},
  route{"DELETE", "/buckets/{id}/delete/{key*}", "DiskBucketDelete", on_delete, take_key},
};

// A page in a browser must not reach an open port of its user's machine by a name of its own (DNS rebinding).
bool names_this_machine(std::string_view host) {
  if (host.starts_with("[::1]")) return true;
  host = host.substr(0, host.find(':'));
  const auto numeric = [](char ch) { return (ch >= '0' && ch <= '9') || ch == '.'; };
  return http::same_name(host, "localhost") || (host.starts_with("127.") && std::ranges::all_of(host, numeric));
}

std::uint32_t bucket_id(const std::string& text) {
  std::uint32_t id = 0;
  const auto [end, e] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (e != std::errc{} || end != text.data() + text.size())
    throw http::api_error{ec::not_found, "there is no bucket " + text};
  return id;
}

// What FastAPI answers for a field that is missing or wrong.
json::array validation(const std::string& message) {
  const auto colon = message.find(": ");
  const auto field = message.substr(0, colon);
  json::array where;
  where.emplace_back(field == "body" ? "body" : "query");
  if (field != "body") where.emplace_back(field);
  const auto text = colon == message.npos ? message : message.substr(colon + 2);
  return {json::object{{"loc", std::move(where)}, {"msg", text},
    {"type", text == "field required" ? "value_error.missing" : "value_error"}}};
}

} // namespace

call::call(const surface_call& c, shared_state& all) : surface_call(c), shared(all) {
  if (shared.context.loopback_only && !names_this_machine(rq.host()))
    throw http::api_error{ec::access_denied,
      "this port is open to this machine only, so the Host must be localhost or 127.0.0.1, not " +
        std::string{rq.host()}};
  if (const auto id = parameters.find("id"); id != parameters.end()) bucket = bucket_id(id->second);
}

http::handler make_handler(surface_context context) {
  entrance_rules rules;
  rules.open = context.loopback_only;
  entrance door{*context.identity, std::move(rules)};
  return surface_handler(std::make_shared<shared_state>(std::move(context)), routes, std::move(door));
}

std::string render_error(
  const http::request* rq, const error& e, int& status, std::string_view request_id, std::string& content_type) {
  (void)console::render_error(rq, e, status, request_id, content_type); // for the status
  json::value detail(e.message);                                        // braces would make it a list
  switch (e.code) {
  case ec::invalid_argument:
    status = 422;
    detail = validation(e.message);
    break;
  case ec::key_too_long: status = 414; break;
  case ec::not_found:
    if (e.message == "no such resource") detail = "Not Found";
    break;
  case ec::method_not_allowed: detail = "Method Not Allowed"; break;
  case ec::unavailable:
  case ec::timeout:
  case ec::closed:
  case ec::not_leader:
    status = 503;
    detail = "Bucket unavailable: " + e.message;
    break;
  default: break;
  }
  return json::serialize(json::object{{"detail", std::move(detail)}}) + "\n";
}

http::task<> answer_no_key(call& c, const std::string& key, std::uint32_t bucket) {
  json::object said{{"detail", "Key not found: " + key + " in bucket: " + std::to_string(bucket)}};
  if (!c.bucket) said = {{"detail", json::serialize(said)}}; // the directory passes on what its bucket answered
  co_await answer(c, 404, std::move(said));
}

} // namespace troupe::directory
