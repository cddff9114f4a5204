// console: the console port's HTTP surface: readiness and health for probes, open to all, and what operators do
// (admin.hpp), for those who sign. What else is served on this port is mounted by its first path segment.
#pragma once

#include "api/http/server.hpp"

#include <functional>
#include <string_view>
#include <vector>

namespace troupe::console {

struct mount {
  std::string_view path; // "/admin": a literal; answers that path and everything below it
  http::handler handle;
};

// `ready`: every front door serves and what it needs can be reached; false again when a stop begins. From any thread.
http::handler make_handler(std::function<bool()> ready, std::vector<mount> mounts);

// JSON errors: {"error": {"code", "message", "request_id"}}.
std::string render_error(
  const http::request*, const error&, int& status, std::string_view request_id, std::string& content_type);

} // namespace troupe::console
