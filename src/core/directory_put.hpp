// directory_put: the key and the value of a PUT /put, from the query (as documented) or from a body: a JSON object, or any
// other text as it is. Pure.
#pragma once

#include "core/directory_layout.hpp"

#include <string>
#include <string_view>

namespace troupe::directory {

inline constexpr std::size_t value_bytes_max = std::size_t{1} << 20;

// As JSON with every character escaped, and the key.
inline constexpr std::size_t put_body_bytes_max = 6 * (value_bytes_max + directory_key_bytes_max) + 1024;

struct put_request {
  std::string key, value;
};

struct put_input {
  const std::string* query_key = nullptr; // null: not given
  const std::string* query_value = nullptr;
  std::string_view content_type;
  std::string_view body;
};

// ec::invalid_argument: missing, given twice, no UTF-8, or not what the content type says. ec::key_too_long,
// ec::too_large: over a bound. The message begins with the name of the field.
result<put_request> parse_put_request(const put_input&);

// 1 to directory_key_bytes_max bytes of UTF-8 without NUL.
result<> check_directory_key(std::string_view key);

} // namespace troupe::directory
