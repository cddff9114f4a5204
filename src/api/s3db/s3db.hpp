// s3db: the front door for tables of small values, as REST (docs/S3DB.md). Whoever sends a request but the two probes proves who
// they are (a signature is of service `s3db`, and covers the body); there is no way to switch that off.
#pragma once

#include "api/surface_context.hpp"

#include <string>
#include <string_view>

namespace troupe::s3db {

inline constexpr std::string_view signed_service = "s3db";

// Answers every path; throws api_error.
http::handler make_handler(surface_context);
// {"error": NAME, "message", "request_id"}.
std::string render_error(
  const http::request*, const error&, int& status, std::string_view request_id, std::string& content_type);

} // namespace troupe::s3db
