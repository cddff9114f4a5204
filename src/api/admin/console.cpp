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

} // namespace

http::handler make_handler(std::function<bool()> ready) {
  return [ready = std::move(ready)](http::request& rq, http::response& rs) -> http::task<> {
    const auto& path = rq.target().path;
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
    throw http::api_error{ec::not_found, "the console has no " + path + "; it answers /ready and /health"};
  };
}

std::string render_error(
  const http::request*, const error& e, int& status, std::string_view request_id, std::string& content_type) {
  switch (e.code) {
  case ec::not_found: status = 404; break;
  case ec::method_not_allowed: status = 405; break;
  case ec::header_section_too_large: status = 431; break;
  case ec::request_timeout: status = 408; break;
  case ec::expectation_failed: status = 417; break;
  case ec::http_version_not_supported: status = 505; break;
  case ec::slow_down: status = 503; break;
  case ec::internal: status = 500; break;
  default: status = 400;
  }
  content_type = "application/json";
  json::object inner{
    {"code", std::string{to_string(e.code)}}, {"message", e.message}, {"request_id", std::string{request_id}}};
  return json::serialize(json::object{{"error", std::move(inner)}}) + "\n";
}

} // namespace troupe::console
