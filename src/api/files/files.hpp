// files: the front door for files by id, and the log that they are written to. Not there yet: it answers 501.
#pragma once

#include "api/surface_context.hpp"

#include <string>
#include <string_view>

namespace troupe::files {

// Answers every path; throws api_error.
http::handler make_handler(surface_context);
std::string render_error(
  const http::request*, const error&, int& status, std::string_view request_id, std::string& content_type);

} // namespace troupe::files
