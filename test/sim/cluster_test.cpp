// Whole clusters in one thread: what docs/OPERATIONS.md promises of failures, under a virtual clock. A failing seed is
// printed; TROUPE_SIM_SEED=n replays it alone, TROUPE_TEST_LOG=1 shows what the nodes log.
#include "support/print_result.hpp"
#include "support/sim_cluster.hpp"

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;

namespace {

std::string content_for(std::uint64_t seed, std::size_t bytes) {
  std::mt19937_64 random{seed};
  std::string out(bytes, '\0');
  for (auto& c : out) c = static_cast<char>(random());
  return out;
}

void put_eventually(sim_cluster& c, std::size_t at, const std::string& key, const std::string& content) {
  result<> outcome = fail(ec::internal, "not tried");
  bool done = c.wait_until([&] { return (outcome = c.put(*c.nodes[at], key, content)).has_value(); }, 30s);
  INFO((outcome ? std::string{} : outcome.error().message));
  REQUIRE(done);
}

void check_content(sim_cluster& c, std::size_t at, const std::string& key, const std::string& content) {
  auto got = c.get(*c.nodes[at], key);
  INFO(key);
  REQUIRE(got);
  REQUIRE(got->has_value());
  CHECK((**got == content));
}

} // namespace

TEST_CASE("five nodes form a cluster, and what one took every one gives", "[sim]") {
  sim_cluster c{1, 5, 3};
  c.start_all();
  REQUIRE(c.wait_until([&] { return c.all_up(5); }));
  auto large = content_for(1, 100'000), small = content_for(2, 500);
  put_eventually(c, 4, "large", large);
  put_eventually(c, 0, "small", small);
  for (std::size_t i = 0; i < 5; ++i) {
    check_content(c, i, "large", large);
    check_content(c, i, "small", small);
  }
}

TEST_CASE("any two nodes may crash: reads go on, writes soon, and all is whole again", "[sim]") {
  auto first = GENERATE(range(0, 5));
  auto second = GENERATE(range(0, 5));
  if (first >= second) return;
  sim_cluster c{static_cast<std::uint64_t>(first * 5 + second + 1), 5, 5};
  c.start_all();
  REQUIRE(c.wait_until([&] { return c.all_up(5); }));
  auto before = content_for(3, 80'000), after = content_for(4, 90'000);
  put_eventually(c, 0, "before", before);
  c.crash(*c.nodes[static_cast<std::size_t>(first)]);
  c.crash(*c.nodes[static_cast<std::size_t>(second)]);
  std::size_t left = 0;
  while (!c.nodes[left]->up) ++left;
  REQUIRE(c.wait_until([&] { return c.get(*c.nodes[left], "before").has_value(); }, 10s)); // a new metadata leader
  check_content(c, left, "before", before);
  put_eventually(c, left, "after", after);
  check_content(c, left, "after", after);
  c.start(*c.nodes[static_cast<std::size_t>(first)]);
  c.start(*c.nodes[static_cast<std::size_t>(second)]);
  REQUIRE(c.wait_until([&] { return c.all_up(5); }));
  check_content(c, static_cast<std::size_t>(first), "before", before);
  check_content(c, static_cast<std::size_t>(second), "after", after);
}
