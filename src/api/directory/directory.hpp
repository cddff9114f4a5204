// directory: the front door for keys and values over plain HTTP, in M disk buckets by the SHA-256 of the key
// (docs/DIRECTORY.md). Open to everybody on this machine when it listens on loopback; elsewhere, and for who proves who they are,
// users, roles and policies count: keys are those of the bucket `.directory`.
#pragma once

#include "api/surface_context.hpp"

#include <string>
#include <string_view>

namespace troupe::directory {

// Answers every path; throws api_error.
http::handler make_handler(surface_context);
// {"detail": ...}
std::string render_error(
  const http::request*, const error&, int& status, std::string_view request_id, std::string& content_type);

} // namespace troupe::directory
