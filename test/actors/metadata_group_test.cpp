// What a group of several METADATA members promises, fault by fault. All at once: metadata_faults_test.cpp.
#include "support/metadata_group.hpp"

namespace troupe {
namespace {

std::uint64_t other_than(const metadata_group& g, std::uint64_t id) {
  for (auto other : g.ids())
    if (other != id) return other;
  return 0;
}

} // namespace

TEST_CASE("a group elects one leader, and every member knows it", "[raft]") {
  auto size = GENERATE(std::uint64_t{3}, std::uint64_t{5});
  metadata_group g{size, size};
  g.start_all();
  auto leader = g.wait_for_leader();
  REQUIRE(g.committed(leader, "o1", "one"));
  REQUIRE(g.run_until([&] { return g.level(); }));
  for (auto id : g.ids()) {
    auto s = g.status(id);
    CHECK(s.state() == (id == leader ? "leader" : "follower"));
    CHECK(s.leader_id() == leader);
    CHECK(s.leader() == metadata_group::address_of(leader));
    CHECK(s.members_size() == static_cast<int>(size));
    CHECK(s.id() == id);
  }
}

TEST_CASE("a follower refuses commits and reads at once, and says who leads", "[raft]") {
  metadata_group g{1, 3};
  g.start_all();
  auto leader = g.wait_for_leader();
  REQUIRE(g.committed(leader, "o1", "one"));
  REQUIRE(g.run_until([&] { return g.level(); }));
  auto follower = other_than(g, leader);
  auto write = g.commit(follower, "o2", "two");
  auto read = g.read(follower, "o1");
  g.actors.run();
  CHECK(write.code() == ec::not_leader);
  REQUIRE(read.code() == ec::not_leader);
  CHECK(read.outcome().error().message.ends_with(
    "leader=" + std::to_string(leader) + "@" + metadata_group::address_of(leader)));
}

TEST_CASE("commits survive the loss of the leader", "[raft]") {
  metadata_group g{2, 3};
  g.start_all();
  auto first = g.wait_for_leader();
  for (int i = 0; i < 20; ++i) REQUIRE(g.committed(first, "o" + std::to_string(i), std::to_string(i)));
  g.crash(first);
  auto second = g.wait_for_leader();
  REQUIRE(second != first);
  for (int i = 0; i < 20; ++i) CHECK(g.get(second, "o" + std::to_string(i)) == std::to_string(i));
  CHECK(g.committed(second, "o20", "20"));
  REQUIRE(g.start(first));
  CHECK(g.agreed_rows().size() == 21);
}

TEST_CASE("a minority neither commits nor answers reads", "[raft]") {
  metadata_group g{3, 3};
  g.start_all();
  auto leader = g.wait_for_leader();
  REQUIRE(g.committed(leader, "o1", "one"));
  for (auto id : g.ids())
    if (id != leader) g.crash(id);
  auto write = g.commit(leader, "o2", "two");
  auto read = g.read(leader, "o1");
  g.run_for(900);
  CHECK(!write.ready());
  CHECK(!read.ready());
  g.run_for(10'000);
  CHECK(write.outcome().has_error());
  CHECK(read.code() == ec::not_leader);
  CHECK(g.leader() == 0);
}

TEST_CASE("a leader that was deposed behind a partition does not answer a read from its old state", "[raft]") {
  metadata_group g{4, 3};
  g.start_all();
  auto old = g.wait_for_leader();
  REQUIRE(g.committed(old, "o1", "old"));
  g.isolate(old);
  std::uint64_t now = 0;
  // The old one has not noticed yet, or just has: it is asked all the time.
  std::vector<answer<wire<pb::read_reply>>> reads;
  REQUIRE(g.run_until([&] {
    reads.push_back(g.read(old, "o1"));
    now = 0;
    for (auto id : g.ids())
      if (id != old && g.status(id).state() == "leader") now = id;
    return now != 0;
  }));
  auto already = reads.size();
  REQUIRE(g.committed(now, "o1", "new"));
  for (int i = 0; i < 20; ++i) reads.push_back(g.read(old, "o1"));
  g.run_for(8000);
  for (auto i = already; i < reads.size(); ++i) CHECK(reads[i].outcome().has_error());
  g.network.heal();
  REQUIRE(g.run_until([&] { return g.level(); }));
  CHECK(g.get(g.leader(), "o1") == "new");
}

TEST_CASE("reads cost no entry and share a round", "[raft]") {
  metadata_group g{5, 3};
  g.start_all();
  auto leader = g.wait_for_leader();
  REQUIRE(g.committed(leader, "o1", "one"));
  auto before = g.status(leader).commit_index();
  std::size_t asked = 0;
  g.network.passes = [&](const pb::raft_message& m) {
    if (m.has_confirm()) ++asked;
    return true;
  };
  std::vector<answer<wire<pb::read_reply>>> reads;
  for (int i = 0; i < 100; ++i) reads.push_back(g.read(leader, "o1"));
  g.run_for(100);
  for (auto& r : reads) CHECK(r.value()->rows(0).value() == "one");
  CHECK(asked <= 6); // the first one's round, and one for all that came meanwhile; a retry each
  CHECK(g.status(leader).commit_index() == before);
}

TEST_CASE("a question that is lost is asked again", "[raft]") {
  metadata_group g{6, 3};
  g.start_all();
  auto leader = g.wait_for_leader();
  REQUIRE(g.committed(leader, "o1", "one"));
  int lose = 2;
  g.network.passes = [&](const pb::raft_message& m) { return !m.has_confirm() || lose-- <= 0; };
  CHECK(g.get(leader, "o1") == "one");
}

TEST_CASE("a member behind a partition catches up by entries", "[raft]") {
  metadata_group g{7, 3};
  g.start_all();
  auto leader = g.wait_for_leader();
  auto late = other_than(g, leader);
  g.isolate(late);
  // More than one message takes, in large entries.
  for (int i = 0; i < 40; ++i) REQUIRE(g.committed(leader, "o" + std::to_string(i), std::string(300'000, 'x')));
  g.network.heal();
  REQUIRE(g.run_until([&] { return g.level(); }));
  CHECK(g.agreed_rows().size() == 40);
}

TEST_CASE("a message of another group's member, of nobody, or of nonsense changes nothing", "[raft]") {
  metadata_group g{8, 3};
  g.start_all();
  auto leader = g.wait_for_leader();
  auto before = g.status(leader);
  pb::raft_message m;
  m.set_from(9);
  m.set_from_address("stranger:1");
  m.set_to(leader);
  m.mutable_request_vote_result()->set_term(before.term() + 10);
  m.mutable_request_vote_result()->set_granted(true);
  caf::anon_send(g.at(leader).actor, raft_atom::value, wire{m});
  m.mutable_append_entries()->set_term(before.term()); // its own term, from somebody else
  caf::anon_send(g.at(leader).actor, raft_atom::value, wire{m});
  m.set_to(99);
  m.mutable_append_entries()->set_term(before.term() + 5);
  caf::anon_send(g.at(leader).actor, raft_atom::value, wire{m});
  caf::anon_send(g.at(leader).actor, raft_atom::value, wire<pb::raft_message>{});
  g.actors.run();
  CHECK(g.status(leader).SerializeAsString() == before.SerializeAsString());
}

TEST_CASE("a leader that stops hands over first, and nothing it acknowledged is lost", "[raft]") {
  metadata_group g{9, 3};
  g.start_all();
  auto leader = g.wait_for_leader();
  auto last = g.commit(leader, "o1", "one");
  g.actors.run();
  auto term = g.status(leader).term();
  caf::anon_send_exit(g.at(leader).actor, caf::exit_reason::user_shutdown);
  std::uint64_t next = 0;
  REQUIRE(g.run_until(
    [&] {
      for (auto id : g.ids())
        if (id != leader && g.status(id).state() == "leader") next = id;
      return next != 0;
    },
    500)); // sooner than anybody misses the old one
  CHECK(last.ok());
  CHECK(g.status(next).term() == term + 1);
  g.run_for(100);
  auto gone = g.read(leader, "o1");
  g.actors.run();
  CHECK(gone.code() == ec::unavailable);
  CHECK(g.get(next, "o1") == "one");
}

} // namespace troupe
