// console: the console port's HTTP surface. Today readiness and health for probes; metrics, the admin calls and the
// /storage REST surface are to join it here.
#pragma once

#include "api/http/server.hpp"

#include <functional>

namespace troupe::console {

// `ready`: every front door serves and what it needs can be reached; false again when a stop begins. From any thread.
http::handler make_handler(std::function<bool()> ready);

// JSON errors: {"error": {"code", "message", "request_id"}}.
std::string render_error(
  const http::request*, const error&, int& status, std::string_view request_id, std::string& content_type);

} // namespace troupe::console
