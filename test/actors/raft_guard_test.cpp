// What libraft 0.15 gets wrong by itself (docs/decisions/0005-libraft-in-an-actor.md): one member, and the test speaks for
// the others.
#include "support/metadata_group.hpp"

namespace troupe {
namespace {

// Member 1 of a group of three whose other members are the test.
struct lonely_member : metadata_group {
  explicit lonely_member(std::uint64_t seed = 1) : metadata_group(seed, 3) {
    network.passes = [this](const pb::raft_message& m) {
      said.push_back(m);
      return false;
    };
    REQUIRE(start(1));
  }
  void tell(std::uint64_t from, const std::function<void(pb::raft_message&)>& fill) {
    pb::raft_message m;
    m.set_from(from);
    m.set_from_address(address_of(from));
    m.set_to(1);
    fill(m);
    caf::anon_send(at(1).actor, raft_atom::value, wire{std::move(m)});
    run_for(20);
  }
  void ask_for_vote(std::uint64_t from, std::uint64_t term, bool pre_vote = false) {
    tell(from, [&](auto& m) {
      auto& x = *m.mutable_request_vote();
      x.set_term(term);
      x.set_last_log_index(1);
      x.set_last_log_term(1);
      x.set_pre_vote(pre_vote);
    });
  }
  void append(std::uint64_t from, std::uint64_t term, std::uint64_t prev, std::uint64_t prev_term,
    const std::vector<std::uint64_t>& entry_terms, std::uint64_t commit = 0) {
    tell(from, [&](auto& m) {
      auto& x = *m.mutable_append_entries();
      x.set_term(term);
      x.set_prev_log_index(prev);
      x.set_prev_log_term(prev_term);
      x.set_leader_commit(commit);
      for (auto t : entry_terms) {
        auto& e = *x.add_entries();
        e.set_term(t);
        e.set_type(2);
        e.set_payload("12345678");
      }
    });
  }
  const pb::raft_message& last() const {
    REQUIRE(!said.empty());
    return said.back();
  }
  bool votes_for(std::uint64_t candidate, std::uint64_t term) {
    said.clear();
    ask_for_vote(candidate, term);
    for (const auto& m : said)
      if (m.has_request_vote_result() && m.to() == candidate && m.request_vote_result().granted() &&
        m.request_vote_result().term() == term)
        return true;
    return false;
  }
  std::vector<pb::raft_message> said;
};

} // namespace

TEST_CASE("a vote is not taken back by the voter's own pre-vote", "[raft]") {
  lonely_member m;
  CHECK(m.votes_for(2, 5));
  CHECK(!m.votes_for(3, 5));
  REQUIRE(m.run_until([&] { return m.status(1).state() == "candidate"; }));
  CHECK(!m.votes_for(3, 5));
  CHECK(m.votes_for(2, 5));
  m.crash(1);
  REQUIRE(m.start(1));
  CHECK(!m.votes_for(3, 5));
  CHECK(m.votes_for(3, 6));
}

TEST_CASE("a follower acknowledges no more than what was compared with this leader's log", "[raft]") {
  lonely_member m;
  m.append(2, 2, 1, 1, {2, 2, 2}); // entries 2 to 4 of a leader that is soon gone
  CHECK(m.last().append_entries_result().last_log_index() == 4);
  m.append(3, 3, 1, 1, {}); // the next leader knows nothing of them
  REQUIRE(m.last().has_append_entries_result());
  CHECK(m.last().append_entries_result().rejected() == 0);
  CHECK(m.last().append_entries_result().last_log_index() == 1);
  CHECK(m.status(1).commit_index() == 1);
  m.append(3, 3, 1, 1, {}, 4); // nor does it commit them
  CHECK(m.status(1).commit_index() == 1);
  m.append(3, 3, 1, 1, {3}, 2);
  CHECK(m.last().append_entries_result().last_log_index() == 2);
  CHECK(m.status(1).commit_index() == 2);
}

TEST_CASE("an acknowledgement that comes from the disk late does not vouch to the next leader", "[raft]") {
  lonely_member m;
  m.append(2, 2, 1, 1, {2});
  m.at(1).gate->open = false;
  m.append(2, 2, 2, 2, {2}); // being written
  m.said.clear();
  m.append(3, 3, 2, 2, {}); // has another entry 3, or none
  m.at(1).gate->open = true;
  caf::anon_send(m.at(1).syncer, next_atom::value);
  m.run_for(50);
  for (const auto& said : m.said)
    if (said.has_append_entries_result() && said.append_entries_result().term() == 3)
      CHECK(said.append_entries_result().last_log_index() <= 2);
}

TEST_CASE("a new leader commits what an earlier one left only together with an entry of its own", "[raft]") {
  lonely_member m;
  m.append(2, 2, 1, 1, {2, 2});
  m.at(1).gate->open = true;
  REQUIRE(m.run_until([&] { return m.status(1).state() == "candidate"; }));
  auto grant = [&](bool pre) {
    auto term = m.status(1).term();
    m.tell(3, [&](auto& x) {
      x.mutable_request_vote_result()->set_term(term);
      x.mutable_request_vote_result()->set_granted(true);
      x.mutable_request_vote_result()->set_pre_vote(
        pre ? pb::raft_request_vote_result::yes : pb::raft_request_vote_result::no);
    });
  };
  grant(false); // of an election that it does not hold
  CHECK(m.status(1).state() == "candidate");
  grant(true);
  grant(true); // twice: the second one must not count in the election
  CHECK(m.status(1).state() == "candidate");
  m.at(1).gate->open = false; // its own entry stays on the way to the disk
  grant(false);
  REQUIRE(m.status(1).state() == "leader");
  auto term = m.status(1).term();
  auto acknowledge = [&](std::uint64_t index) {
    m.tell(3, [&](auto& x) {
      x.mutable_append_entries_result()->set_term(term);
      x.mutable_append_entries_result()->set_last_log_index(index);
    });
  };
  acknowledge(3);
  acknowledge(4);
  CHECK(m.status(1).commit_index() == 1);
  m.at(1).gate->open = true;
  caf::anon_send(m.at(1).syncer, next_atom::value);
  m.run_for(50);
  CHECK(m.status(1).commit_index() == 4);
}

TEST_CASE(
  "a configuration that is replaced before it was committed goes back to one that only a snapshot has", "[raft]") {
  metadata_group g{2, 3};
  g.tweak = [](metadata_options& o) {
    o.checkpoint.commands = 5;
    o.trailing_entries = 1;
  };
  g.start_all();
  auto leader = g.wait_for_leader();
  for (int i = 0; i < 20; ++i) REQUIRE(g.committed(leader, "o" + std::to_string(i), "x"));
  REQUIRE(g.status(leader).checkpoint_index() > 10);
  g.isolate(leader);
  g.change(leader, pb::member_change::add, 4); // never leaves it
  g.run_for(100);
  CHECK(g.status(leader).members_size() == 4);
  auto restart = GENERATE(false, true);
  if (restart) {
    g.crash(leader);
    REQUIRE(g.start(leader));
  }
  REQUIRE(g.run_until([&] { return g.leader() != 0 && g.leader() != leader; }));
  REQUIRE(g.committed(g.leader(), "o20", "x"));
  g.network.heal();
  REQUIRE(g.run_until([&] { return g.level() && g.status(leader).members_size() == 3; }));
  CHECK(g.agreed_rows().size() == 21);
}

TEST_CASE("a member that is left alone leads in a new term, as it does after every start", "[raft]") {
  metadata_group g{3, 3};
  g.start_all();
  auto leader = g.wait_for_leader();
  REQUIRE(g.committed(leader, "o1", "one"));
  auto last = leader % 3 + 1, other = last % 3 + 1;
  auto term = g.status(leader).term();
  auto gone = g.change(leader, pb::member_change::remove, other);
  g.wait(gone);
  REQUIRE(gone.ok());
  auto itself = g.change(leader, pb::member_change::remove, leader);
  g.wait(itself);
  REQUIRE(itself.ok());
  REQUIRE(g.run_until([&] { return g.status(last).state() == "leader"; }));
  CHECK(g.status(last).term() > term);
  CHECK(g.get(last, "o1") == "one");
  term = g.status(last).term();
  g.crash(last);
  REQUIRE(g.start(last));
  REQUIRE(g.run_until([&] { return g.status(last).state() == "leader"; }));
  CHECK(g.status(last).term() > term);
}

TEST_CASE("a follower whose disk is full goes on when there is room again", "[raft]") {
  metadata_group g{4, 3};
  g.start_all();
  auto leader = g.wait_for_leader();
  REQUIRE(g.committed(leader, "o1", "one"));
  auto full = leader % 3 + 1;
  g.at(full).files->set_capacity(1);
  for (int i = 0; i < 10; ++i) REQUIRE(g.committed(leader, "o" + std::to_string(i), std::string(10'000, 'x')));
  g.run_for(3000);
  CHECK(g.status(full).state() == "follower");
  CHECK(g.status(full).applied_index() < g.status(leader).applied_index());
  g.at(full).files->set_capacity(std::uint64_t{1} << 40);
  REQUIRE(g.run_until([&] { return g.level(); }));
  CHECK(g.agreed_rows().size() == 10);
}

} // namespace troupe
