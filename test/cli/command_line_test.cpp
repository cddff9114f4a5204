#include "cli/command_line.hpp"

#include <catch2/catch.hpp>

using namespace troupe::cli;

TEST_CASE("a line is split as a shell would split it", "[command_line]") {
  using words = std::vector<std::string>;
  CHECK(split_line("").value() == words{});
  CHECK(split_line("  nodes\t --json ").value() == words{"nodes", "--json"});
  CHECK(split_line("where 'b/a key' \"b/it's\"").value() == words{"where", "b/a key", "b/it's"});
  CHECK(split_line("a\\ b ''").value() == words{"a b", ""});
  CHECK(split_line("x\"y z\"w").value() == words{"xy zw"});
}

TEST_CASE("a quote or an escape without an end is refused", "[command_line]") {
  CHECK(!split_line("where 'b/a"));
  CHECK(!split_line("a \"b"));
  CHECK(!split_line("a\\"));
}
