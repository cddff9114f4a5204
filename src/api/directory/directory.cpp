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

using handler = http::task<> (*)(call&);
struct route {
  const char* method;
  const char* pattern;
  const char* operation; // in the access log
  handler handle;
  bool open = false; // to everybody, wherever it listens: no key is touched
};

constexpr std::array routes{
  route{"PUT", "/put", "DirectoryPut", on_put},
  route{"GET", "/get/{key*}", "DirectoryGet", on_get},
  route{"DELETE", "/delete/{key*}", "DirectoryDelete", on_delete},
  route{"GET", "/health", "DirectoryHealth", on_health, true},
  route{"GET", "/docs", "DirectoryDocs", on_docs, true},
  route{"GET", "/openapi.json", "DirectoryOpenapi", on_openapi, true},
  route{"GET", "/buckets/{id}/health", "DiskBucketHealth", on_bucket_health},
  route{"GET", "/buckets/{id}/keys", "DiskBucketKeys", on_bucket_keys},
  route{"PUT", "/buckets/{id}/put", "DiskBucketPut", on_put},
  route{"GET", "/buckets/{id}/get/{key*}", "DiskBucketGet", on_get},
  route{"DELETE", "/buckets/{id}/delete/{key*}", "DiskBucketDelete", on_delete},
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

struct surface : shared_state {
  explicit surface(surface_context c)
      : shared_state{.context = c, .signatures = access{c.secret_of, *c.clock}, .table = {}, .memory = {}} {
    for (const auto& r : routes)
      table_of_routes.add(
        r.method, r.pattern, r.operation, [this, &r](auto& rq, auto& rs, const http::path_parameters& parameters) {
          return serve(r, rq, rs, parameters);
        });
  }

  http::task<> serve(const route& r, http::request& rq, http::response& rs, const http::path_parameters& parameters) {
    call c{.shared = *this, .rq = rq, .rs = rs, .parameters = parameters, .signed_sha256 = {}};
    if (context.loopback_only && !names_this_machine(rq.host()))
      throw http::api_error{ec::access_denied,
        "this port is open to this machine only, so the Host must be localhost or 127.0.0.1, not " +
          std::string{rq.host()}};
    if (!context.loopback_only && !r.open) c.signed_sha256 = signed_sha256(signatures.check(rq));
    if (const auto id = parameters.find("id"); id != parameters.end()) c.bucket = bucket_id(id->second);
    co_await r.handle(c);
  }

  http::router table_of_routes;
};

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

http::handler make_handler(surface_context context) {
  auto shared = std::make_shared<surface>(std::move(context));
  return [shared](http::request& rq, http::response& rs) -> http::task<> {
    co_await shared->table_of_routes.dispatch(rq, rs);
  };
}

std::string render_error(
  const http::request* rq, const error& e, int& status, std::string_view request_id, std::string& content_type) {
  (void)console::render_error(rq, e, status, request_id, content_type); // for the status
  json::value detail{e.message};
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

http::task<> answer(call& c, int status, json::object what) {
  c.rs.status = status;
  c.rs.set("Content-Type", "application/json");
  c.rs.set("Cache-Control", "no-store");
  const auto text = json::serialize(what);
  co_await c.rs.send(text);
}

http::task<> answer_no_key(call& c, const std::string& key, std::uint32_t bucket) {
  json::object said{{"detail", "Key not found: " + key + " in bucket: " + std::to_string(bucket)}};
  if (!c.bucket) said = {{"detail", json::serialize(said)}}; // the directory passes on what its bucket answered
  co_await answer(c, 404, std::move(said));
}

} // namespace troupe::directory
