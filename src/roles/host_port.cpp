#include "roles/host_port.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

namespace troupe {
namespace {

struct host_and_port {
  std::string host;                  // without the brackets
  std::optional<std::string> digits; // what follows the colon
  bool bracketed = false;
};

// Splits at the last colon that is not inside brackets. Nothing for a broken bracket or an IPv6 address without them.
std::optional<host_and_port> split(const std::string& text) {
  host_and_port parts;
  auto rest = std::string_view{text};
  if (rest.starts_with('[')) {
    auto end = rest.find(']');
    if (end == rest.npos) return std::nullopt;
    parts.bracketed = true;
    parts.host = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
    if (!rest.empty() && rest.front() != ':') return std::nullopt;
  } else {
    auto colon = rest.find(':');
    parts.host = rest.substr(0, colon);
    rest = colon == rest.npos ? std::string_view{} : rest.substr(colon);
  }
  if (!rest.empty()) {
    parts.digits = rest.substr(1);
    if (parts.digits->find(':') != std::string::npos) return std::nullopt;
  }
  return parts;
}

std::optional<std::uint16_t> port_of(const std::string& digits) {
  std::uint16_t port = 0;
  auto [end, e] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (digits.empty() || e != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return port;
}

bool is_v6(const std::string& host) {
  in6_addr a{};
  return ::inet_pton(AF_INET6, host.c_str(), &a) == 1;
}

bool is_v4(const std::string& host) {
  in_addr a{};
  return ::inet_pton(AF_INET, host.c_str(), &a) == 1;
}

// RFC 1123, and the underscores that Compose puts into names. All digits and dots would be a broken IPv4 address.
bool is_name(const std::string& host) {
  auto usable = [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
  };
  return !host.empty() && host.size() <= 253 && host.front() != '-' && host.front() != '.' &&
    std::ranges::all_of(host, usable) && host.find_first_not_of("0123456789.") != std::string::npos;
}

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

} // namespace

result<host_port> parse_host_port(const std::string& text) {
  auto expected = [&] {
    return fail(ec::bad_argument, "'" + text + "' is no HOST:PORT, such as 127.0.0.1:9000 or [::1]:0");
  };
  auto parts = split(text);
  if (!parts || !parts->digits) return expected();
  auto port = port_of(*parts->digits);
  if (!port) return expected();
  host_port parsed{.host = std::move(parts->host), .port = *port};
  if (parsed.host.empty()) parsed.host = "0.0.0.0";
  if (parsed.host == "localhost") parsed.host = "127.0.0.1";
  return parsed;
}

result<host_port> parse_node_address(const std::string& text, std::uint16_t default_port) {
  auto parts = split(text);
  auto port = !parts ? std::nullopt : parts->digits ? port_of(*parts->digits) : std::optional{default_port};
  auto host = parts ? lower(parts->host) : std::string{};
  if (!port || !(parts->bracketed ? is_v6(host) : is_v4(host) || is_name(host)))
    return fail(
      ec::bad_argument, "'" + text + "' is no HOST:PORT, such as storage-1:9101, 10.0.0.7:9101 or [fd00::7]:9101");
  if (host == "0.0.0.0" || host == "::" || *port == 0)
    return fail(ec::bad_argument,
      "'" + text + "' is nothing that others can connect to: it takes the node's own address and port");
  return host_port{.host = std::move(host), .port = *port};
}

std::string to_string(const host_port& a) {
  bool six = a.host.find(':') != std::string::npos;
  return (six ? "[" + a.host + "]" : a.host) + ":" + std::to_string(a.port);
}

bool is_numeric(const std::string& host) { return is_v4(host) || is_v6(host); }

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || (is_v4(host) && host.starts_with("127."));
}

} // namespace troupe
