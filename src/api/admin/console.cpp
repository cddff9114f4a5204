#include "api/admin/console.hpp"

#include "api/http/request.hpp"
#include "api/http/response.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace troupe::console {

namespace json = boost::json;

namespace {

http::task<> answer(http::response& rs, int status, const char* state) {
  rs.status = status;
  rs.set("Content-Type", "application/json");
  rs.set("Cache-Control", "no-store");
  auto body = "{\"status\":\"" + std::string{state} + "\"}\n";
  co_await rs.send(body);
}

int status_of(ec code) {
  switch (code) {
  case ec::access_denied:
  case ec::invalid_access_key_id:
  case ec::signature_does_not_match:
  case ec::request_time_too_skewed: return 403;
  case ec::not_found:
  case ec::no_such_bucket:
  case ec::no_such_key: return 404;
  case ec::method_not_allowed: return 405;
  case ec::request_timeout: return 408;
  case ec::conditional_request_conflict:
  case ec::conflict: return 409;
  case ec::missing_content_length: return 411;
  case ec::precondition_failed: return 412;
  case ec::entity_too_large:
  case ec::too_large: return 413;
  case ec::invalid_range: return 416;
  case ec::expectation_failed: return 417;
  case ec::header_section_too_large: return 431;
  case ec::io_error:
  case ec::corrupt:
  case ec::internal: return 500;
  case ec::not_implemented: return 501;
  case ec::unavailable:
  case ec::not_leader:
  case ec::closed:
  case ec::slow_down: return 503;
  case ec::timeout: return 504;
  case ec::http_version_not_supported: return 505;
  case ec::no_space: return 507;
  default: return 400;
  }
}

} // namespace

http::handler make_handler(std::function<bool()> ready, std::vector<mount> mounts) {
  return [ready = std::move(ready), mounts = std::move(mounts)](http::request& rq, http::response& rs) -> http::task<> {
    const auto& path = rq.target().path;
    for (const auto& m : mounts) {
      if (!path.starts_with(m.path) || (path.size() > m.path.size() && path[m.path.size()] != '/')) continue;
      co_await m.handle(rq, rs);
      co_return;
    }
    bool reads = rq.method() == "GET" || rq.method() == "HEAD";
    if (path == "/ready" || path == "/health") {
      if (!reads) throw http::api_error{ec::method_not_allowed, path + " answers GET and HEAD"};
      rq.operation = "Probe";
      if (path == "/health")
        co_await answer(rs, 200, "alive");
      else if (ready())
        co_await answer(rs, 200, "ready");
      else
        co_await answer(rs, 503, "not ready");
      co_return;
    }
    std::string known = "/ready, /health";
    for (const auto& m : mounts) known += ", " + std::string{m.path};
    throw http::api_error{ec::not_found, "the console has no " + path + "; it answers " + known};
  };
}

std::string render_error(
  const http::request*, const error& e, int& status, std::string_view request_id, std::string& content_type) {
  status = status_of(e.code);
  content_type = "application/json";
  json::object inner{
    {"code", std::string{to_string(e.code)}}, {"message", e.message}, {"request_id", std::string{request_id}}};
  return json::serialize(json::object{{"error", std::move(inner)}}) + "\n";
}

} // namespace troupe::console
