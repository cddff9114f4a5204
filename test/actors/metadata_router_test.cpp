#include "actors/metadata_router.hpp"

#include "actors/reply.hpp"
#include "support/actor_fixture.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <deque>

using namespace troupe;
using namespace std::chrono_literals;

namespace {

// A member that answers as its script says.
struct member_script {
  std::string state = "follower";
  std::uint64_t term = 1;
  std::optional<ec> refuse; // reads and commits; ec::timeout: no answer
  std::uint64_t reads = 0, commits = 0;
  std::vector<std::string> names; // of all members
};

metadata_actor::behavior_type scripted_member(metadata_actor::pointer self, std::shared_ptr<member_script> s) {
  auto held = std::make_shared<std::deque<caf::response_promise>>(); // of requests that are never answered
  return {
    [=](read_atom, const wire<pb::read_request>&) -> caf::result<wire<pb::read_reply>> {
      ++s->reads;
      if (s->refuse == ec::timeout) {
        held->push_back(self->make_response_promise());
        return caf::delegated<wire<pb::read_reply>>{};
      }
      if (s->state != "leader") return to_caf(fail(ec::not_leader, "no"));
      if (s->refuse) return to_caf(fail(*s->refuse, "scripted"));
      return wire<pb::read_reply>{};
    },
    [=](list_atom, const wire<pb::list_request>&) -> caf::result<wire<pb::list_reply>> {
      return to_caf(fail(ec::internal, "not asked"));
    },
    [=](commit_atom, const wire<pb::batch>&) -> caf::result<wire<pb::batch_result>> {
      ++s->commits;
      if (s->refuse == ec::timeout) {
        held->push_back(self->make_response_promise());
        return caf::delegated<wire<pb::batch_result>>{};
      }
      if (s->state != "leader") return to_caf(fail(ec::not_leader, "no"));
      if (s->refuse) return to_caf(fail(*s->refuse, "scripted"));
      return wire<pb::batch_result>{};
    },
    [=](status_atom) -> caf::result<wire<pb::metadata_status>> {
      if (s->state == "away") return to_caf(fail(ec::unavailable, "nobody there"));
      pb::metadata_status status;
      status.set_state(s->state);
      status.set_term(s->term);
      for (auto& n : s->names) status.add_members()->set_address(n);
      return wire{std::move(status)};
    },
    [](raft_atom, const wire<pb::raft_message>&) {},
    [](copy_atom, const wire<pb::state_copy_request>&) -> caf::result<wire<pb::state_copy_page>> {
      return to_caf(fail(ec::internal, "not asked"));
    },
    [](members_atom, const wire<pb::member_change>&) -> caf::result<void> { return caf::unit; },
  };
}

struct routed_group {
  routed_group() {
    metadata_router_options o;
    for (std::size_t i = 0; i < 3; ++i) {
      members.push_back(std::make_shared<member_script>());
      o.members.emplace_back("node-" + std::to_string(i), fx.own(fx.system.spawn(scripted_member, members[i])));
    }
    o.patience = 8s;
    o.waiting_max = 16;
    o.reach = [this](const std::string& node) {
      if (node != "node-new") return metadata_actor{};
      ++reached;
      return metadata_actor{fx.system.spawn(scripted_member, newcomer)};
    };
    router = fx.own(spawn_metadata_router(fx.system, std::move(o)));
  }
  void lead(std::size_t i, std::uint64_t term) {
    for (auto& m : members)
      if (m->state == "leader") m->state = "follower";
    members[i]->state = "leader";
    members[i]->term = term;
  }
  answer<wire<pb::read_reply>> read() {
    return fx.ask<wire<pb::read_reply>>(router, read_atom::value, wire<pb::read_request>{});
  }
  answer<wire<pb::batch_result>> commit() {
    return fx.ask<wire<pb::batch_result>>(router, commit_atom::value, wire<pb::batch>{});
  }

  actor_fixture fx;
  std::vector<std::shared_ptr<member_script>> members;
  std::shared_ptr<member_script> newcomer = std::make_shared<member_script>();
  int reached = 0;
  metadata_actor router;
};

} // namespace

TEST_CASE("requests go to whoever leads, and to the next leader after it", "[router]") {
  routed_group g;
  g.lead(1, 2);
  auto first = g.commit();
  CHECK(g.fx.wait(first).has_value());
  g.lead(2, 3);
  auto second = g.commit();
  CHECK(g.fx.wait(second).has_value());
  auto third = g.read();
  CHECK(g.fx.wait(third).has_value());
  CHECK(g.members[2]->commits == 1);
  CHECK(g.members[2]->reads == 1);
}

TEST_CASE("requests wait for a leader, and are refused when none is found in time", "[router]") {
  routed_group g;
  g.members[0]->state = "away";
  auto waiting = g.commit();
  g.fx.advance(3s);
  CHECK(!waiting.ready());
  g.lead(2, 5);
  CHECK(g.fx.wait(waiting).has_value());
  g.members[2]->state = "follower";
  auto refused = g.read();
  g.fx.wait(refused);
  CHECK(refused.code() == ec::unavailable);
  CHECK_THAT(refused.outcome().error().message, Catch::Contains("node-0: nobody there"));
}

TEST_CASE("a read is repeated at the next leader when the old one is silent, a commit is not", "[router]") {
  routed_group g;
  g.lead(0, 2);
  auto known = g.read();
  g.fx.wait(known);
  g.members[0]->refuse = ec::timeout; // frozen: it still thinks that it leads
  auto read = g.read();
  auto commit = g.commit();
  g.fx.advance(500ms);
  g.members[1]->state = "leader";
  g.members[1]->term = 3;
  g.fx.wait(read);
  CHECK(read.ok());
  g.fx.wait(commit);
  CHECK(commit.code() == ec::timeout); // perhaps it was made
  CHECK(g.members[1]->commits == 0);
}

TEST_CASE("a commit whose leader stopped is not repeated, a refused one ends at once", "[router]") {
  routed_group g;
  g.lead(0, 2);
  for (auto code : {ec::closed, ec::slow_down, ec::too_large}) {
    g.members[0]->refuse = code;
    auto a = g.commit();
    g.fx.wait(a);
    CHECK(a.code() == code);
  }
  CHECK(g.members[0]->commits == 3);
  CHECK(g.members[1]->commits == 0);
}

TEST_CASE("a member that was added later is found when it leads", "[router]") {
  routed_group g;
  for (auto& m : g.members) m->names = {"node-0", "node-1", "node-2", "node-new", "node-unknown"};
  g.newcomer->state = "leader";
  g.newcomer->term = 7;
  auto a = g.commit();
  CHECK(g.fx.wait(a).has_value());
  CHECK(g.newcomer->commits == 1);
  CHECK(g.reached == 1);
}

TEST_CASE("a leader that answers nobody is not asked without end, and another one is", "[router]") {
  routed_group g;
  g.lead(0, 2);
  auto known = g.read();
  g.fx.wait(known);
  g.members[0]->refuse = ec::timeout;
  std::vector<answer<wire<pb::batch_result>>> silent;
  for (int i = 0; i < 16; ++i) silent.push_back(g.commit());
  g.fx.advance(9s); // all are given up; what they asked is still unanswered
  for (auto& a : silent) CHECK(a.code() == ec::timeout);
  auto refused = g.commit();
  g.fx.wait(refused);
  CHECK(refused.code() == ec::slow_down);
  g.members[1]->state = "leader";
  g.members[1]->term = 3;
  g.fx.advance(9s);
  auto taken = g.commit();
  g.fx.wait(taken);
  CHECK(taken.ok());
}
