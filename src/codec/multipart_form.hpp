// multipart_form: the start of a multipart/form-data body (RFC 7578): the small fields before the file, and the file's own
// headers. What follows is the file's content, for others to stream; so the file has to be the last field. Pure.
#pragma once

#include "base/error.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace troupe {

// The boundary that "multipart/form-data; boundary=..." names; nothing for another type. ec::bad_request: none that is valid.
result<std::optional<std::string>> form_boundary(std::string_view content_type);

struct form_head {
  std::map<std::string, std::string> fields; // by name; the last one of a name counts
  std::string filename;
  std::string content_type; // empty: not given
  std::size_t bytes = 0;    // of the body before the file's content
};
inline constexpr std::size_t form_head_bytes_max = std::size_t{16} << 10;

// The part with a filename that comes first; nothing while `body` has not all of it. ec::bad_request for what is no form, or
// one without a file.
result<std::optional<form_head>> parse_form_head(std::string_view body, std::string_view boundary);

// What ends the content: the last delimiter, and the line's end behind it, which every client sends.
std::string form_end(std::string_view boundary);

} // namespace troupe
