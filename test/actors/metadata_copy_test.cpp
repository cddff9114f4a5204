// Members that lag further than the log reaches, and members that come back without their disk.
#include "support/metadata_group.hpp"

namespace troupe {
namespace {

// A group whose member `late` lacks more than the others remember.
struct lagging_group : metadata_group {
  explicit lagging_group(std::uint64_t seed) : metadata_group(seed, 3) {
    tweak = [](metadata_options& o) {
      o.checkpoint.commands = 10;
      o.trailing_entries = 2;
    };
    start_all();
    leading = wait_for_leader();
    late = leading % 3 + 1;
    write(3);
    REQUIRE(run_until([&] { return level(); }));
    isolate(late);
    write(60);
  }
  void write(int n) {
    for (int i = 0; i < n; ++i)
      REQUIRE(committed(wait_for_leader(), "o" + std::to_string(written++), std::string(30'000, 'x')));
  }
  std::uint64_t leading = 0, late = 0;
  int written = 0;
};

pb::state_copy_request request_of(
  pb::state_copy_request::kinds kind, std::uint64_t copy = 0, std::uint64_t offset = 0) {
  pb::state_copy_request q;
  q.set_kind(kind);
  q.set_copy(copy);
  q.set_offset(offset);
  return q;
}

} // namespace

TEST_CASE("a member that is far behind takes over the leader's state, and entries after it", "[raft]") {
  lagging_group g{1};
  g.network.heal();
  REQUIRE(g.run_until([&] { return g.level(); }));
  CHECK(g.at(g.late).powered->replaced == 1);
  CHECK(g.pages >= 4); // begin, two or more pages of 1 MiB, end
  g.write(5);
  g.crash(g.late);
  REQUIRE(g.start(g.late)); // the log begins behind the snapshot now
  g.write(25);
  CHECK(g.agreed_rows().size() == static_cast<std::size_t>(g.written));
}

TEST_CASE("a crash at each step of taking over a state leaves the old or the new one", "[raft]") {
  auto operations = GENERATE(range(std::uint64_t{0}, std::uint64_t{40}, std::uint64_t{2}));
  CAPTURE(operations);
  lagging_group g{operations + 100};
  g.network.heal();
  // From the moment on when all pages are there.
  REQUIRE(g.run_until([&] { return g.pages >= 3; }));
  g.at(g.late).files->power_off_after(operations);
  g.run_until([&] { return g.at(g.late).files->powered_off(); }, 2000);
  g.crash(g.late);
  REQUIRE(g.start(g.late));
  REQUIRE(g.run_until([&] { return g.level(); }));
  CHECK(g.agreed_rows().size() == static_cast<std::size_t>(g.written));
}

TEST_CASE("a copy whose leader is lost is fetched from the next one", "[raft]") {
  lagging_group g{3};
  g.network.heal();
  REQUIRE(g.run_until([&] { return g.pages >= 2; }));
  auto leader = g.leader();
  g.crash(leader);
  REQUIRE(g.run_until([&] { return g.leader() != 0 && g.leader() != leader; }));
  REQUIRE(g.start(leader));
  REQUIRE(g.run_until([&] { return g.level(); }));
  CHECK(g.agreed_rows().size() == static_cast<std::size_t>(g.written));
}

TEST_CASE("a member serves two copies at a time, and drops one that nobody reads", "[raft]") {
  lagging_group g{4};
  auto ask = [&](pb::state_copy_request q) {
    auto a = g.actors.ask<wire<pb::state_copy_page>>(g.at(g.leading).actor, copy_atom::value, wire{std::move(q)});
    g.actors.run();
    return a;
  };
  auto one = ask(request_of(pb::state_copy_request::begin)), two = ask(request_of(pb::state_copy_request::begin));
  REQUIRE(one.ok());
  REQUIRE(two.ok());
  CHECK(ask(request_of(pb::state_copy_request::begin)).code() == ec::slow_down);
  auto first = ask(request_of(pb::state_copy_request::page, one.value()->copy()));
  CHECK(first.value()->data().size() == std::size_t{1} << 20);
  CHECK(ask(request_of(pb::state_copy_request::page, one.value()->copy(), one.value()->bytes() + 1)).code() ==
    ec::bad_argument);
  CHECK(ask(request_of(pb::state_copy_request::page, 99)).code() == ec::not_found);
  CHECK(ask(request_of(pb::state_copy_request::end, one.value()->copy())).ok());
  auto three = ask(request_of(pb::state_copy_request::begin));
  CHECK(three.ok());
  g.run_for(31'000);
  CHECK(ask(request_of(pb::state_copy_request::page, two.value()->copy())).code() == ec::not_found);
  CHECK(ask(request_of(pb::state_copy_request::begin)).ok());
}

TEST_CASE("a member whose disk was lost does not vote until it has caught up", "[raft]") {
  metadata_group g{5, 3};
  g.start_all();
  auto leader = g.wait_for_leader();
  auto lost = leader % 3 + 1, third = lost % 3 + 1;
  g.isolate(third);
  REQUIRE(g.committed(leader, "o1", "one")); // the leader and the one that is about to forget it
  g.wipe(lost);
  g.crash(leader);
  REQUIRE(g.start(lost));
  g.network.heal();
  g.run_for(20'000); // the third one, which lacks the commit, could win with the vote of the wiped one
  CHECK(g.leader() == 0);
  CHECK(g.status(lost).recovering());
  g.crash(lost); // that is not forgotten either
  g.at(lost).options.recovering = false;
  REQUIRE(g.start(lost));
  g.run_for(10'000);
  CHECK(g.leader() == 0);
  REQUIRE(g.start(leader));
  g.run_until([&] { return g.level() && !g.status(lost).recovering(); });
  INFO(g.describe());
  REQUIRE(!g.status(lost).recovering());
  CHECK(g.get(g.leader(), "o1") == "one");
  g.crash(leader); // now it counts
  REQUIRE(g.run_until([&] { return g.leader() != 0; }));
  REQUIRE(g.start(leader));
  CHECK(g.agreed_rows() == metadata_group::rows{{"o1", "one"}});
}

TEST_CASE("a member whose disk was lost catches up while its leader stays the same", "[raft]") {
  metadata_group g{6, 3};
  g.start_all();
  auto leader = g.wait_for_leader();
  auto lost = leader % 3 + 1;
  for (int i = 0; i < 10; ++i) REQUIRE(g.committed(leader, "o" + std::to_string(i), "x"));
  REQUIRE(g.run_until([&] { return g.level(); }));
  g.wipe(lost);
  REQUIRE(g.start(lost));
  REQUIRE(g.run_until([&] { return g.level() && !g.status(lost).recovering(); }));
  CHECK(g.leader() == leader);
  CHECK(g.agreed_rows().size() == 10);
}

} // namespace troupe
