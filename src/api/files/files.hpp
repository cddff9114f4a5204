// files: the front door for files by id, and the log that every change of them is written to (docs/FILES.md). Contents are
// objects of a hidden bucket; a change and its entry in the log are one atomic batch (core/file_log.hpp).
#pragma once

#include "api/surface_context.hpp"

#include <string>
#include <string_view>

namespace troupe::files {

inline constexpr std::string_view bucket_name = ".files";

// Answers every path; throws api_error.
http::handler make_handler(surface_context);
std::string render_error(
  const http::request*, const error&, int& status, std::string_view request_id, std::string& content_type);

} // namespace troupe::files
