// console: the console port's HTTP surface: readiness and health for probes, open to all, and what operators do
// (admin.hpp), for those who sign. Metrics and the /storage REST surface are to join it here.
#pragma once

#include "api/http/server.hpp"

#include <functional>

namespace troupe::console {

// `ready`: every front door serves and what it needs can be reached; false again when a stop begins. From any thread.
// `admin` answers everything under /admin.
http::handler make_handler(std::function<bool()> ready, http::handler admin);

// JSON errors: {"error": {"code", "message", "request_id"}}.
std::string render_error(
  const http::request*, const error&, int& status, std::string_view request_id, std::string& content_type);

} // namespace troupe::console
