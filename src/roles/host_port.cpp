#include "roles/coordinator.hpp"

#include <charconv>

namespace troupe {

result<host_port> parse_host_port(const std::string& text) {
  auto expected = [&] {
    return fail(ec::bad_argument, "'" + text + "' is no HOST:PORT, such as 127.0.0.1:9000 or [::1]:0");
  };
  auto colon = text.rfind(':');
  if (colon == std::string::npos) return expected();
  host_port parsed;
  parsed.host = text.substr(0, colon);
  auto digits = text.substr(colon + 1);
  auto [end, e] = std::from_chars(digits.data(), digits.data() + digits.size(), parsed.port);
  if (digits.empty() || e != std::errc{} || end != digits.data() + digits.size()) return expected();
  if (parsed.host.starts_with('[')) {
    if (!parsed.host.ends_with(']')) return expected();
    parsed.host = parsed.host.substr(1, parsed.host.size() - 2);
  } else if (parsed.host.find(':') != std::string::npos) {
    return expected();
  }
  if (parsed.host.empty()) parsed.host = "0.0.0.0";
  if (parsed.host == "localhost") parsed.host = "127.0.0.1";
  return parsed;
}

std::string to_string(const host_port& a) {
  bool six = a.host.find(':') != std::string::npos;
  return (six ? "[" + a.host + "]" : a.host) + ":" + std::to_string(a.port);
}

} // namespace troupe
