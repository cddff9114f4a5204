#include "api/files/files.hpp"

#include "api/admin/console.hpp"
#include "api/http/response.hpp"

namespace troupe::files {

http::handler make_handler(surface_context) {
  return [](http::request&, http::response&) -> http::task<> {
    throw http::api_error{ec::not_implemented, "files is not there yet"};
    co_return;
  };
}

std::string render_error(
  const http::request* rq, const error& e, int& status, std::string_view request_id, std::string& content_type) {
  return console::render_error(rq, e, status, request_id, content_type);
}

} // namespace troupe::files
