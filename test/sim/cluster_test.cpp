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
  // What /metrics shows of it. Virtual time goes in steps of 50 ms, and a heartbeat takes one or two.
  std::uint64_t heartbeats = 0, slow = 0, commits = 0;
  for (auto& n : c.nodes)
    for (std::size_t i = 0; i < latency_histogram::buckets; ++i) {
      heartbeats += n->latencies->heartbeat.count(i);
      if (latency_histogram::bound(i) > 250ms) slow += n->latencies->heartbeat.count(i);
      commits += n->latencies->commit.count(i);
    }
  CHECK(heartbeats > 5);
  CHECK(slow == 0);
  CHECK(commits > 2);
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
  for (auto back : {first, second}) { // which know the others a moment later
    auto at = static_cast<std::size_t>(back);
    REQUIRE(c.wait_until([&] { return c.get(*c.nodes[at], "before").has_value(); }, 10s));
    check_content(c, at, "before", before);
    check_content(c, at, "after", after);
  }
}

// Crashes, cuts and restarts at random, while a client puts and gets; then all is mended. What was acknowledged is there,
// with the value of the last acknowledged put, or of a later one whose outcome its client does not know.
TEST_CASE("nothing that was acknowledged is lost, whatever fails, as long as it is at most two nodes", "[sim]") {
  auto* replay = std::getenv("TROUPE_SIM_SEED");
  auto first = replay != nullptr ? std::stoull(replay) : 1, seeds = replay != nullptr ? 1ull : 6ull;
  for (auto seed = first; seed < first + seeds; ++seed) {
    INFO("TROUPE_SIM_SEED=" << seed);
    sim_cluster c{seed, 5, 5};
    c.start_all();
    REQUIRE(c.wait_until([&] { return c.all_up(5); }));
    std::map<std::string, std::vector<std::string>> possible; // by key: the acknowledged value, then unknown later ones
    std::set<std::size_t> away;                               // crashed or cut off
    std::size_t acknowledged = 0;
    for (std::uint64_t round = 0; round < 60; ++round) {
      auto at = c.random() % 5;
      switch (c.random() % 6) {
      case 0:
        if (away.size() < 2 && c.nodes[at]->up && away.insert(at).second) c.crash(*c.nodes[at]);
        break;
      case 1:
        if (away.size() < 2 && away.insert(at).second) c.network.isolate(c.nodes[at]->address);
        break;
      case 2:
        c.network.heal();
        for (auto i : std::exchange(away, {}))
          if (!c.nodes[i]->up) c.start(*c.nodes[i]);
        break;
      default: break;
      }
      c.fx.advance(std::chrono::milliseconds{c.random() % 2000});
      auto by = c.random() % 5;
      if (!c.nodes[by]->up) continue;
      auto key = "key-" + std::to_string(c.random() % 4);
      auto value = content_for(seed * 1000 + round, 500 + c.random() % 80'000);
      if (auto outcome = c.put(*c.nodes[by], key, value); outcome) {
        possible[key] = {value};
        ++acknowledged;
      } else if (possible.contains(key)) {
        possible[key].push_back(value);
      } else {
        possible[key] = {"", value}; // perhaps nothing is there
      }
    }
    c.network.heal();
    for (auto& n : c.nodes)
      if (!n->up) c.start(*n);
    REQUIRE(c.wait_until([&] { return c.all_up(5); }));
    for (auto& [key, values] : possible) {
      result<std::optional<std::string>> got = fail(ec::internal, "not asked");
      REQUIRE(c.wait_until([&] { return (got = c.get(*c.nodes[c.random() % 5], key)).has_value(); }));
      INFO(key);
      auto found = got->value_or("");
      CHECK((std::find(values.begin(), values.end(), found) != values.end()));
    }
    CHECK(acknowledged > 10);
    // What crashed uploads, commits of unknown outcome and moves left behind is gone in the end.
    INFO("named " << c.named().size() << ", held " << c.held().size());
    CHECK(c.wait_until([&] { return c.held() == c.named(); }, 120s));
    for (auto& [key, values] : possible) {
      result<std::optional<std::string>> got = fail(ec::internal, "not asked");
      REQUIRE(c.wait_until([&] { return (got = c.get(*c.nodes[c.random() % 5], key)).has_value(); }));
      auto found = got->value_or("");
      CHECK((std::find(values.begin(), values.end(), found) != values.end()));
    }
  }
}

TEST_CASE("pieces of an upload whose coordinator crashed are removed, and no others", "[sim]") {
  sim_cluster c{7, 5, 3};
  c.start_all();
  REQUIRE(c.wait_until([&] { return c.all_up(5); }));
  auto kept = content_for(1, 60'000);
  put_eventually(c, 0, "kept", kept);
  upload_options what;
  what.size = 200'000;
  what.geometry = {.k = 3, .m = 2, .piece_bytes = 4096};
  auto begun = c.fx.ask<upload_actor>(c.nodes[4]->replicator, upload_atom::value, what);
  auto session = c.fx.wait(begun).value();
  auto half = content_for(2, 100'000);
  for (std::size_t i = 0; i < 24; ++i) {
    auto written = c.fx.ask(session, write_atom::value, chunk::copy_of(std::string_view{half}.substr(i * 4096, 4096)));
    REQUIRE(c.fx.wait(written));
  }
  c.crash(*c.nodes[4]);
  caf::anon_send_exit(session, caf::exit_reason::kill); // it crashed with its node
  REQUIRE(c.held().size() == 2);
  CHECK(c.wait_until([&] { return c.held() == c.named(); }));
  CHECK(c.named().size() == 1);
  check_content(c, 0, "kept", kept);
}
