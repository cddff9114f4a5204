// A group of METADATA members that grows, shrinks and hands over.
#include "support/metadata_group.hpp"

namespace troupe {
namespace {

answer<> changed(metadata_group& g, pb::member_change::kinds kind, std::uint64_t id) {
  for (int attempt = 0; attempt < 20; ++attempt) {
    auto a = g.change(g.wait_for_leader(), kind, id);
    g.wait(a);
    if (a.ok()) return a;
    g.run_for(500);
  }
  FAIL("the change of member " << id << " was never made");
  return {};
}

std::size_t voters(metadata_group& g) {
  std::size_t n = 0;
  auto status = g.status(g.leader());
  for (const auto& m : status.members()) n += m.role() == 1 ? 1 : 0;
  return n;
}

} // namespace

TEST_CASE("a lone member grows to three, and survives the loss of itself", "[raft]") {
  metadata_group g{1, 1};
  g.start_all();
  for (int i = 0; i < 30; ++i) REQUIRE(g.committed(1, "o" + std::to_string(i), "x"));
  for (std::uint64_t id : {2, 3}) {
    g.make(id);
    REQUIRE(g.start(id));
    g.run_for(3000);
    CHECK(g.status(id).members_size() == 0); // it waits
    changed(g, pb::member_change::add, id);
    CHECK(voters(g) == id);
  }
  REQUIRE(g.committed(1, "o30", "x"));
  g.crash(1);
  auto next = g.wait_for_leader();
  CHECK(g.get(next, "o0") == "x");
  REQUIRE(g.start(1));
  CHECK(g.agreed_rows().size() == 31);
}

TEST_CASE("what is so already is no error, and what can not be is one", "[raft]") {
  metadata_group g{2, 3};
  g.start_all();
  auto leader = g.wait_for_leader();
  REQUIRE(g.committed(leader, "o1", "one"));
  changed(g, pb::member_change::add, 2);
  changed(g, pb::member_change::remove, 77);
  auto elsewhere = g.change(leader % 3 + 1, pb::member_change::remove, 1);
  auto unknown = g.change(leader, pb::member_change::unknown, 1);
  auto nameless = g.change(leader, pb::member_change::add, 0);
  auto to_nobody = g.change(leader, pb::member_change::transfer, 77);
  g.run_for(100);
  CHECK(elsewhere.code() == ec::not_leader);
  CHECK(unknown.code() == ec::bad_argument);
  CHECK(nameless.code() == ec::bad_argument);
  CHECK(to_nobody.code() == ec::not_found);
}

TEST_CASE("leadership goes where it is asked to go", "[raft]") {
  metadata_group g{3, 3};
  g.start_all();
  auto leader = g.wait_for_leader();
  REQUIRE(g.committed(leader, "o1", "one"));
  REQUIRE(g.run_until([&] { return g.level(); }));
  auto next = leader % 3 + 1;
  auto a = g.change(leader, pb::member_change::transfer, next);
  g.wait(a);
  CHECK(a.ok());
  CHECK(g.wait_for_leader() == next);
  CHECK(g.get(next, "o1") == "one");
}

TEST_CASE("under load every member is replaced by another, also the leader, and nothing is lost", "[raft]") {
  auto seed = GENERATE(range(std::uint64_t{1}, std::uint64_t{9}));
  CAPTURE(seed);
  metadata_group g{seed, 3};
  g.tweak = [](metadata_options& o) {
    o.checkpoint.commands = 10;
    o.trailing_entries = 2;
  };
  g.start_all();
  g.network.lost_per_mille = 20;
  g.network.doubled_per_mille = 20;
  g.network.delay_ms_max = 20;
  std::vector<std::string> acknowledged;
  std::vector<std::pair<std::string, answer<wire<pb::batch_result>>>> commits;
  int n = 0;
  auto load = [&] {
    for (auto id : g.ids())
      if (g.up(id)) {
        auto key = "o" + std::to_string(n++);
        commits.emplace_back(key, g.commit(id, key, "x"));
      }
    g.run_for(30);
    std::erase_if(commits, [&](auto& c) {
      if (c.second.ready() && c.second.ok()) acknowledged.push_back(c.first);
      return c.second.ready();
    });
  };
  for (std::uint64_t old = 1; old <= 3; ++old) {
    auto fresh = old + 3;
    g.make(fresh);
    REQUIRE(g.start(fresh));
    for (auto [kind, id] : {std::pair{pb::member_change::add, fresh}, std::pair{pb::member_change::remove, old}}) {
      auto a = g.change(g.wait_for_leader(), kind, id);
      bool done = false;
      for (int i = 0; i < 4000 && !done; ++i) {
        if (a.ready() && !a.ok())
          if (auto leader = g.leader(); leader != 0) a = g.change(leader, kind, id);
        load();
        done = a.ready() && a.ok();
      }
      INFO(g.describe() << (a.ready() && !a.ok() ? a.outcome().error().message : std::string{"no answer"}));
      REQUIRE(done);
    }
    g.run_for(2000);
    g.crash(old);
    g.forget(old);
  }
  g.network.lost_per_mille = g.network.doubled_per_mille = 0;
  g.run_for(8000);
  load();
  CHECK(g.status(g.wait_for_leader()).members_size() == 3);
  auto rows = g.agreed_rows();
  CHECK(acknowledged.size() > 20);
  for (const auto& key : acknowledged) CHECK(rows.contains(key));
}

} // namespace troupe
