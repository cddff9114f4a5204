#include "actors/metadata_router.hpp"

#include "actors/census.hpp"
#include "actors/reply.hpp"

#include <caf/actor_system.hpp>
#include <caf/result.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>

namespace troupe {
namespace {

using ticking_router = metadata_actor::extend<caf::reacts_to<tick_atom>>;
constexpr std::size_t members_max = 32; // asked; a group has five at most, its history a few more

using clock_time = std::chrono::steady_clock::time_point; // the actor clock's

using on_failure = std::function<void(error)>;

// A request that is under way or waits for a leader.
struct routed {
  clock_time until, asked_at;
  bool repeatable = false; // a read
  bool asked = false;      // a leader has it now
  std::uint64_t tries = 0; // answers to earlier ones do not count
  // Asks the member; answers the caller when that succeeds.
  std::function<void(std::size_t member, std::uint64_t id, std::uint64_t tried)> ask;
  on_failure give_up;
};

struct router_state {
  router_state() = default;
  router_state(const router_state&) = delete;
  router_state& operator=(const router_state&) = delete;
  ~router_state() {
    for (auto& m : learnt) caf::anon_send_exit(m, caf::exit_reason::user_shutdown);
  }
  static inline const char* name = "metadata_router";
  metadata_router_options options;
  std::map<std::uint64_t, routed> requests;
  std::uint64_t next_id = 1;
  std::map<std::size_t, std::size_t> unanswered; // questions, by member; of requests that were given up, too
  std::vector<metadata_actor> learnt;            // members that were not known at the start
  std::optional<std::size_t> leader;             // as far as we know
  std::uint64_t leader_term = 0;
  std::size_t searching = 0;     // members that have not said yet whether they lead
  std::vector<std::string> said; // by them, of this search
};

using router_pointer = ticking_router::stateful_pointer<router_state>;

void search(router_pointer self);

void try_request(router_pointer self, std::uint64_t id) {
  auto& s = self->state;
  auto& r = s.requests.at(id);
  r.asked = true;
  r.asked_at = self->clock().now();
  r.ask(*s.leader, id, ++r.tries);
}

void give_up(router_pointer self, std::uint64_t id, error why) {
  auto& s = self->state;
  auto r = std::move(s.requests.at(id));
  s.requests.erase(id);
  r.give_up(std::move(why));
}

// Which errors say that nothing was done, and that somebody else may do it.
bool another_may(const error& e) {
  return e.code == ec::not_leader || e.code == ec::unavailable || e.code == ec::not_implemented;
}

void failed(router_pointer self, std::uint64_t id, std::uint64_t tried, error why) {
  auto& s = self->state;
  auto found = s.requests.find(id);
  if (found == s.requests.end() || found->second.tries != tried) return;
  auto& r = found->second;
  bool unknown = why.code == ec::timeout || why.code == ec::closed;
  if (!another_may(why) && !(unknown && r.repeatable)) return give_up(self, id, std::move(why));
  r.asked = false;
  s.leader.reset();
  search(self);
}

void leader_found(router_pointer self, std::size_t member, std::uint64_t term) {
  auto& s = self->state;
  if (term < s.leader_term) return;
  bool changed = s.leader_term != term;
  s.leader = member;
  s.leader_term = term;
  std::vector<std::uint64_t> ids;
  for (auto& [id, r] : s.requests)
    if (!r.asked || changed) ids.push_back(id);
  for (auto id : ids) {
    auto& r = s.requests.at(id);
    if (r.asked && !r.repeatable) // its leader has been deposed
      give_up(self, id, fail(ec::timeout, "the metadata leader has changed: whether the commit was made is not known"));
    else
      try_request(self, id);
  }
}

std::string what_members_said(const router_state& s) {
  std::string all;
  for (auto& line : s.said) all += (all.empty() ? "" : "; ") + line;
  return all;
}

// The group has changed since this process was configured.
void learn_members(router_state& s, const pb::metadata_status& status) {
  if (!s.options.reach) return;
  for (auto& m : status.members()) {
    auto& known = s.options.members;
    bool is_known = std::any_of(known.begin(), known.end(), [&](auto& k) { return k.node == m.address(); });
    if (is_known || known.size() >= members_max) continue;
    auto actor = s.options.reach(m.address());
    if (!actor) continue;
    s.learnt.push_back(actor);
    known.emplace_back(m.address(), std::move(actor));
  }
}

// Asks every member whether it leads.
void search(router_pointer self) {
  auto& s = self->state;
  if (s.searching != 0) return;
  s.searching = s.options.members.size();
  s.said.clear();
  for (std::size_t i = 0; i < s.options.members.size(); ++i) {
    auto& m = s.options.members[i];
    auto one_said = [self, name = m.node](const std::string& what) {
      self->state.said.push_back(name + ": " + what);
      --self->state.searching;
    };
    self->request(m.actor, s.options.status_timeout, status_atom::value)
      .then(
        [=](const wire<pb::metadata_status>& status) {
          learn_members(self->state, *status);
          if (status->state() == "leader") leader_found(self, i, status->term());
          one_said(status->state());
        },
        [=](const caf::error& e) { one_said(from_caf(e).message); });
  }
}

void tick(router_pointer self) {
  auto& s = self->state;
  auto now = self->clock().now();
  std::vector<std::uint64_t> late;
  bool slow = s.leader && s.unanswered[*s.leader] >= s.options.waiting_max, waits = false;
  for (auto& [id, r] : s.requests) {
    if (r.until <= now) late.push_back(id);
    slow |= r.asked && now - r.asked_at > s.options.suspicion;
    waits |= !r.asked;
  }
  for (auto id : late)
    give_up(self, id,
      s.requests.at(id).asked ? fail(ec::timeout, "the metadata leader does not answer")
                              : fail(ec::unavailable, "there is no metadata leader (" + what_members_said(s) + ")"));
  if (slow || (waits && !s.leader)) search(self);
  self->delayed_send(self, s.options.search_pause, tick_atom::value);
}

template <class R, class Atom, class Request>
caf::result<wire<R>> route(router_pointer self, bool repeatable, Atom atom, const wire<Request>& request) {
  auto& s = self->state;
  if (auto n = std::max(s.requests.size(), s.leader ? s.unanswered[*s.leader] : 0); n >= s.options.waiting_max)
    return to_caf(fail(ec::slow_down, std::to_string(n) + " requests wait for the metadata leader"));
  reply<wire<R>> answer{self};
  auto id = s.next_id++;
  routed r;
  r.until = self->clock().now() + s.options.patience;
  r.repeatable = repeatable;
  r.give_up = [answer](error why) { answer(std::move(why)); };
  // Without a timeout of its own, which would cost the actor clock two of its steps: tick() gives up what is late.
  r.ask = [=](std::size_t member, std::uint64_t mine, std::uint64_t tried) {
    ++self->state.unanswered[member];
    self->request(self->state.options.members[member].actor, caf::infinite, atom, request)
      .then(
        [=](const wire<R>& got) {
          --self->state.unanswered[member];
          answer(got);
          self->state.requests.erase(mine);
        },
        [=](const caf::error& e) {
          --self->state.unanswered[member];
          failed(self, mine, tried, from_caf(e));
        });
  };
  s.requests.emplace(id, std::move(r));
  if (s.leader)
    try_request(self, id);
  else
    search(self);
  return answer.later();
}

ticking_router::behavior_type router(router_pointer self, metadata_router_options options) {
  self->state.options = std::move(options);
  self->set_default_handler(caf::drop);
  search(self);
  self->send(self, tick_atom::value);
  return {
    [self](
      read_atom, const wire<pb::read_request>& r) { return route<pb::read_reply>(self, true, read_atom::value, r); },
    [self](
      list_atom, const wire<pb::list_request>& r) { return route<pb::list_reply>(self, true, list_atom::value, r); },
    [self](
      commit_atom, const wire<pb::batch>& b) { return route<pb::batch_result>(self, false, commit_atom::value, b); },
    [self](status_atom) -> caf::result<wire<pb::metadata_status>> {
      auto& s = self->state;
      if (s.leader) return self->delegate(s.options.members[*s.leader].actor, status_atom::value);
      return to_caf(fail(ec::unavailable, "there is no metadata leader (" + what_members_said(s) + ")"));
    },
    [](raft_atom, const wire<pb::raft_message>&) {}, // is for members
    [](copy_atom, const wire<pb::state_copy_request>&) -> caf::result<wire<pb::state_copy_page>> {
      return to_caf(fail(ec::not_implemented, "copies are asked of a member"));
    },
    [self](members_atom, const wire<pb::member_change>& c) -> caf::result<void> {
      auto& s = self->state;
      if (s.leader) return self->delegate(s.options.members[*s.leader].actor, members_atom::value, c);
      return to_caf(fail(ec::unavailable, "there is no metadata leader (" + what_members_said(s) + ")"));
    },
    [self](tick_atom) { tick(self); },
  };
}

} // namespace

metadata_actor spawn_metadata_router(caf::actor_system& system, metadata_router_options options) {
  return caf::actor_cast<metadata_actor>(spawn_counted(system, router, std::move(options)));
}

} // namespace troupe
