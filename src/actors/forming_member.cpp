#include "actors/forming_member.hpp"

#include "actors/census.hpp"
#include "base/log_limit.hpp"

#include <caf/actor_system.hpp>
#include <caf/exit_reason.hpp>
#include <caf/result.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <spdlog/spdlog.h>

#include <optional>
#include <utility>

namespace troupe {
namespace {

using ticking_member = metadata_actor::extend<caf::reacts_to<tick_atom>>;

constexpr std::string_view pristine_state = "pristine";
constexpr std::uint64_t founding_term = 1; // no leader was ever elected in it

struct forming_state {
  forming_state() = default;
  forming_state(const forming_state&) = delete;
  forming_state& operator=(const forming_state&) = delete;
  ~forming_state() { // it was killed: so is the member
    if (opened) caf::anon_send_exit(opened, caf::exit_reason::kill);
  }
  static inline const char* name = "forming_member";
  forming_member_options options;
  metadata_actor opened; // empty: not yet, or failed
  std::string why_not = "the metadata group is being formed";
  log_limit lines;
  std::size_t waiting = 0; // for answers of the others
  bool exists = false;     // one of them was in a term with a leader
  std::string silent;      // who did not answer
};

using member_pointer = ticking_member::stateful_pointer<forming_state>;

void open(member_pointer self, bool bootstrap, bool recovering) {
  auto& s = self->state;
  s.options.member.bootstrap = bootstrap;
  s.options.member.recovering = recovering;
  auto opened = spawn_metadata(self->system(), s.options.member);
  if (!opened) {
    s.why_not = "the metadata member of this node does not start: " + opened.error().message;
    spdlog::error("{}", s.why_not);
    return;
  }
  s.opened = std::move(*opened);
  self->monitor(s.opened);
}

void round_ended(member_pointer self) {
  auto& s = self->state;
  if (s.exists) {
    spdlog::warn("this node's metadata member is empty, and its group exists: it catches up before it votes");
    return open(self, false, true);
  }
  if (s.silent.empty() && !s.options.must_not_found.empty()) {
    s.why_not = s.options.must_not_found;
    spdlog::error("{}", s.why_not);
    return;
  }
  if (s.silent.empty()) return open(self, true, false);
  s.why_not = "the metadata group is founded once all its first members can be reached; waiting for " + s.silent;
  if (s.lines.allow(self->clock().now())) spdlog::info("{}", s.why_not);
  self->delayed_send(self, s.options.interval, tick_atom::value);
}

void ask_the_others(member_pointer self) {
  auto& s = self->state;
  s.silent.clear();
  s.waiting = s.options.others.size();
  if (s.waiting == 0) return round_ended(self);
  for (auto& other : s.options.others) {
    auto one_answered = [self] {
      if (--self->state.waiting == 0) round_ended(self);
    };
    self->request(other.actor, s.options.question_timeout, status_atom::value)
      .then(
        [=](const wire<pb::metadata_status>& status) {
          self->state.exists |= status->state() != pristine_state && status->term() > founding_term;
          one_answered();
        },
        [=, node = other.node](const caf::error&) {
          auto& silent = self->state.silent;
          silent += (silent.empty() ? "" : ", ") + node;
          one_answered();
        });
  }
}

// Passes a request on; before there is anybody to pass it to, the group has no leader here.
template <class R, class... Ts>
caf::result<R> pass(member_pointer self, Ts... xs) {
  auto& s = self->state;
  if (!s.opened) return to_caf(fail(ec::unavailable, s.why_not));
  return self->delegate(s.opened, std::move(xs)...);
}

ticking_member::behavior_type forming_member(member_pointer self, forming_member_options options) {
  auto& s = self->state;
  s.options = std::move(options);
  self->set_default_handler(caf::drop);
  self->set_exit_handler([self](caf::exit_msg& x) {
    if (!self->state.opened) return self->quit(x.reason);
    self->send_exit(self->state.opened, x.reason); // it finishes what is in flight; then see below
  });
  self->set_down_handler([self](const caf::down_msg& down) {
    self->state.opened = nullptr;
    self->quit(down.reason);
  });
  if (!s.options.must_not_open.empty()) {
    s.why_not = "the metadata member of this node does not start: " + s.options.must_not_open;
    spdlog::error("{}", s.why_not);
  } else if (!s.options.pristine)
    open(self, false, false); // what it is stands on its disk
  else if (!s.options.founder)
    open(self, false, true); // to be added by `troupe admin`
  else
    self->send(self, tick_atom::value);
  return {
    [self](read_atom a, const wire<pb::read_request>& r) { return pass<wire<pb::read_reply>>(self, a, r); },
    [self](list_atom a, const wire<pb::list_request>& r) { return pass<wire<pb::list_reply>>(self, a, r); },
    [self](commit_atom a, const wire<pb::batch>& b) { return pass<wire<pb::batch_result>>(self, a, b); },
    [self](status_atom a) -> caf::result<wire<pb::metadata_status>> {
      auto& st = self->state;
      if (st.opened) return self->delegate(st.opened, a);
      if (!st.options.pristine) return to_caf(fail(ec::closed, st.why_not));
      pb::metadata_status status;
      status.set_state(std::string{pristine_state});
      status.set_id(st.options.member.id);
      return wire{std::move(status)};
    },
    [self](raft_atom a, const wire<pb::raft_message>& m) {
      if (self->state.opened) self->send(self->state.opened, a, m);
    },
    [self](copy_atom a, const wire<pb::state_copy_request>& r) { return pass<wire<pb::state_copy_page>>(self, a, r); },
    [self](members_atom a, const wire<pb::member_change>& c) { return pass<void>(self, a, c); },
    [self](tick_atom) { ask_the_others(self); },
  };
}

} // namespace

metadata_actor spawn_forming_member(caf::actor_system& system, forming_member_options options) {
  auto detached = options.member.detached; // opening reads the whole log
  return caf::actor_cast<metadata_actor>(detached
      ? spawn_counted<caf::detached>(system, forming_member, std::move(options))
      : spawn_counted(system, forming_member, std::move(options)));
}

} // namespace troupe
