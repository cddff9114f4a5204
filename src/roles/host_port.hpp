// host_port: where something listens, and where a node is reached, as people write it. Text only: no name is resolved here.
#pragma once

#include "base/error.hpp"

#include <cstdint>
#include <string>

namespace troupe {

struct host_port {
  std::string host;       // a numeric address, or localhost; of a node also a name, in lower case
  std::uint16_t port = 0; // where one listens, 0: the kernel picks
  friend bool operator==(const host_port&, const host_port&) = default;
};

// Where to listen: "127.0.0.1:9000", "[::1]:9000", ":9000" (all addresses), "localhost:0". ec::bad_argument says what
// was expected.
result<host_port> parse_host_port(const std::string& text);
// Where others reach a node: "storage-1:9101", "storage-1" (then with default_port), "10.0.0.7:9101", "[fd00::7]:9101".
// Not 0.0.0.0, [::] or port 0: nobody could connect to them.
result<host_port> parse_node_address(const std::string& text, std::uint16_t default_port);
std::string to_string(const host_port&);

bool is_numeric(const std::string& host);  // an IPv4 or IPv6 address
bool is_loopback(const std::string& host); // localhost, 127.0.0.0/8, ::1: no packet for it leaves this machine

} // namespace troupe
