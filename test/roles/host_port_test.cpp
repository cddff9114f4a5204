#include "roles/host_port.hpp"

#include <catch2/catch.hpp>

using namespace troupe;

TEST_CASE("a host and port are parsed, or the message shows what was expected") {
  CHECK(parse_host_port("127.0.0.1:9000")->port == 9000);
  CHECK(parse_host_port("localhost:0")->host == "127.0.0.1");
  CHECK(parse_host_port(":9000")->host == "0.0.0.0");
  CHECK(parse_host_port("[::1]:80")->host == "::1");
  CHECK(to_string(*parse_host_port("[::1]:80")) == "[::1]:80");
  for (auto bad : {"", "9000", "127.0.0.1:", "127.0.0.1:99999", "127.0.0.1:90x", "::1:80", "[::1:80"}) {
    INFO(bad);
    CHECK(parse_host_port(bad).has_error());
  }
}

TEST_CASE("a node is reached at a name or an address, by default on the actor port") {
  CHECK(*parse_node_address("Storage-1", 9101) == host_port{"storage-1", 9101});
  CHECK(*parse_node_address("storage_1.example.org:1", 9101) == host_port{"storage_1.example.org", 1});
  CHECK(*parse_node_address("10.0.0.7:9102", 9101) == host_port{"10.0.0.7", 9102});
  CHECK(*parse_node_address("[fd00::7]", 9101) == host_port{"fd00::7", 9101});
  CHECK(to_string(*parse_node_address("[FD00::7]:80", 9101)) == "[fd00::7]:80");
  for (auto bad : {"", ":9101", "a:", "a:0", "a:x", "a:1:2", "a b", "-a", ".a", "10.0.0", "1.2.3.4.5", "fd00::7",
         "[a]:1", "[fd00::7", "[fd00::7]80", "0.0.0.0:1", "[::]:1", "a/b"}) {
    INFO(bad);
    CHECK(parse_node_address(bad, 9101).has_error());
  }
}

TEST_CASE("only what stays on this machine is loopback") {
  for (auto here : {"localhost", "127.0.0.1", "127.9.9.9", "::1"}) CHECK(is_loopback(here));
  for (auto there : {"127.example.org", "10.0.0.1", "0.0.0.0", "::", "storage-1", "localhost.example.org"})
    CHECK_FALSE(is_loopback(there));
}
