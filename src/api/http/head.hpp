// head: the parsed start of a request, as views into the connection's buffer (which stays put while the request
// runs), and the comparison of field names.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace troupe::http {

struct header {
  std::string_view name, value;
};

// ASCII only, as field names are.
bool same_name(std::string_view a, std::string_view b);

struct request_head {
  request_head() = default;
  std::string_view method, target, host;
  int version = 11; // 10 or 11
  std::vector<header> headers;
  bool chunked = false;
  std::optional<std::uint64_t> content_length;
  bool expect_continue = false;
  bool keep_alive = true;
};

} // namespace troupe::http
