#include "api/s3db/s3db.hpp"

#include "api/http/signature_check.hpp"
#include "api/s3db/call.hpp"
#include "codec/digest.hpp"
#include "codec/text.hpp"

#include <boost/json/serialize.hpp>

#include <array>

namespace troupe::s3db {

namespace {

constexpr std::uint64_t memory_bytes_max = std::uint64_t{128} << 20;

using handler = http::task<> (*)(call&);
struct route {
  const char* method;
  const char* pattern;
  const char* operation; // in the access log
  handler handle;
};

constexpr std::array open_routes{
  route{"GET", "/status", "Probe", on_status},
  route{"GET", "/health", "Probe", on_health},
};
constexpr std::array signed_routes{
  route{"POST", "/v1/put/{table}/{key*}", "S3dbPut", on_put},
  route{"GET", "/v1/get/{table}/{key*}", "S3dbGet", on_get},
  route{"DELETE", "/v1/delete/{table}/{key*}", "S3dbDelete", on_delete},
  route{"GET", "/v1/scan/{table}", "S3dbScan", on_scan},
  route{"GET", "/v1/leader", "S3dbLeader", on_leader},
  route{"POST", "/v1/join", "S3dbJoin", on_join},
};

struct surface {
  explicit surface(surface_context c)
      : context(std::move(c)),
        signatures({.service = std::string{signed_service}, .region = {}}, http::signed_path::as_any_service) {
    for (const auto& r : open_routes) add(r, open);
    for (const auto& r : signed_routes) add(r, locked);
  }

  void add(const route& r, http::router& to) {
    to.add(r.method, r.pattern, r.operation,
      [this, handle = r.handle](http::request& rq, http::response& rs, const http::path_parameters& parameters) {
        return serve(handle, rq, rs, parameters);
      });
  }

  http::task<> dispatch(http::request& rq, http::response& rs) {
    const auto& path = rq.target().path;
    const bool probe = path == "/status" || path == "/health";
    if (!probe) check_signature(rq); // before anything is looked up or read
    const auto& routes = probe ? open : locked;
    co_await routes.dispatch(rq, rs);
  }

  // Whatever is wrong with a signature is answered 403; the message says what.
  sigv4_identity check_signature(http::request& rq) {
    auto who = signatures(rq, context.secret_of, context.clock->now());
    if (!who) throw http::api_error{ec::access_denied, std::move(who).error().message};
    if (who->presigned) throw http::api_error{ec::access_denied, "s3db takes signatures in headers, not in URLs"};
    return std::move(*who);
  }

  http::task<> serve(handler handle, http::request& rq, http::response& rs, const http::path_parameters& parameters) {
    call c{.context = context,
      .memory = memory,
      .rq = rq,
      .rs = rs,
      .parameters = parameters,
      .actors = context.actors_of(rq),
      .signed_hash = std::string{rq.header("x-amz-content-sha256")}};
    co_await handle(c);
  }

  surface_context context;
  http::signature_check signatures;
  http::memory_bound memory{memory_bytes_max};
  http::router open, locked;
};

struct shape {
  int status;
  const char* name;
};
shape shape_of(ec code) {
  switch (code) {
  case ec::access_denied: return {403, "AccessDenied"};
  case ec::no_such_key: return {404, "KeyNotFound"};
  case ec::not_found: return {404, "NotFound"};
  case ec::method_not_allowed: return {405, "MethodNotAllowed"};
  case ec::request_timeout: return {408, "RequestTimeout"};
  case ec::conflict: return {409, "Conflict"};
  case ec::too_large: return {413, "TooLarge"};
  case ec::expectation_failed: return {417, "ExpectationFailed"};
  case ec::header_section_too_large: return {431, "HeadersTooLarge"};
  case ec::io_error:
  case ec::corrupt:
  case ec::internal: return {500, "InternalError"};
  case ec::not_implemented: return {501, "NotImplemented"};
  case ec::unavailable:
  case ec::not_leader:
  case ec::closed:
  case ec::slow_down: return {503, "Unavailable"};
  case ec::timeout: return {504, "Timeout"};
  case ec::http_version_not_supported: return {505, "HttpVersionNotSupported"};
  case ec::no_space: return {507, "InsufficientStorage"};
  default: return {400, "BadRequest"};
  }
}

} // namespace

http::task<> answer(call& c, int status, json::object what) {
  c.rs.status = status;
  c.rs.set("Content-Type", "application/json");
  c.rs.set("Cache-Control", "no-store");
  const auto text = json::serialize(what) + "\n";
  co_await c.rs.send(text);
}

http::task<std::string> signed_body(call& c, std::size_t bytes_max) {
  const auto too_large = [&] {
    return http::api_error{ec::too_large, "the body has at most " + std::to_string(bytes_max) + " bytes"};
  };
  constexpr std::size_t step = std::size_t{64} << 10;
  if (c.rq.content().left() > bytes_max) throw too_large();
  std::string all; // grows as bytes arrive: an announced length alone costs no memory
  for (std::size_t got = step; got == step;) {
    const auto have = all.size();
    all.resize(have + step);
    got = co_await http::read_full(c.rq.content(), {reinterpret_cast<std::byte*>(all.data()) + have, step});
    all.resize(have + got);
    if (all.size() > bytes_max) throw too_large();
  }
  if (hex_encode(bytes_view{sha256(as_bytes(all))}) != c.signed_hash)
    throw http::api_error{ec::access_denied, "x-amz-content-sha256 is not the SHA-256 of the body"};
  co_return all;
}

http::handler make_handler(surface_context context) {
  auto shared = std::make_shared<surface>(std::move(context));
  return [shared](http::request& rq, http::response& rs) -> http::task<> { co_await shared->dispatch(rq, rs); };
}

std::string render_error(
  const http::request*, const error& e, int& status, std::string_view request_id, std::string& content_type) {
  const auto what = shape_of(e.code);
  status = what.status;
  content_type = "application/json";
  return json::serialize(
           json::object{{"error", what.name}, {"message", e.message}, {"request_id", std::string{request_id}}}) +
    "\n";
}

} // namespace troupe::s3db
