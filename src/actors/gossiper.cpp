#include "actors/gossiper.hpp"

#include "actors/census.hpp"
#include "actors/peer_methods.hpp"
#include "base/log_limit.hpp"

#include <caf/actor_system.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <spdlog/spdlog.h>

#include <algorithm>
#include <optional>

namespace troupe {
namespace {

struct gossiper_state {
  gossiper_state() = default;
  static inline const char* name = "gossiper";
  gossiper_options options;
  std::optional<gossip> members;
  std::optional<gossip::time> armed; // the earliest tick that is on its way
  std::chrono::steady_clock::time_point probe_began;
  log_limit twin_lines;
};

using gossiper_pointer = gossiper_actor::stateful_pointer<gossiper_state>;

gossip::time now_of(gossiper_pointer self) {
  return std::chrono::duration_cast<gossip::time>(self->clock().now().time_since_epoch());
}

const char* text_of(member_status s) {
  switch (s) {
  case member_status::alive: return "alive";
  case member_status::suspect: return "suspect: it did not answer";
  default: return "dead";
  }
}

// Who is expected at an address; nothing for a seed that nobody has heard of yet.
std::string name_at(const gossip& members, const std::string& address) {
  for (auto& [id, m] : members.members())
    if (m.address == address) return id.name;
  return {};
}

void arm(gossiper_pointer self) {
  auto& s = self->state;
  auto next = s.members->next();
  if (s.armed && *s.armed <= next) return;
  s.armed = next;
  self->delayed_send(self, std::max(next - now_of(self), gossip::time{1}), tick_atom::value);
}

void measure(gossiper_pointer self, const gossip::effects& seen) {
  auto& s = self->state;
  if (!s.options.latencies) return;
  if (seen.probe_answered) s.options.latencies->heartbeat.observe(self->clock().now() - s.probe_began);
  if (seen.probe_unanswered) ++s.options.latencies->heartbeats_unanswered;
  if (seen.probe_began) s.probe_began = self->clock().now();
}

void carry_out(gossiper_pointer self, gossip::effects todo) {
  auto& s = self->state;
  measure(self, todo);
  for (auto& d : todo.send)
    s.options.net->post(
      {name_at(*s.members, d.address), d.address}, plane::control, to_peer(peer_method::gossip, d.message));
  for (auto& m : todo.changed) {
    if (m.id == s.options.node) continue;
    spdlog::info("member {} ({}) is {}", m.id.name, m.address, text_of(m.status));
    if (s.options.events) s.options.events->add("member", m.id.name, m.id.name + " is " + text_of(m.status));
  }
  if (todo.same_name && s.twin_lines.allow(self->clock().now()))
    spdlog::error(
      "another process says that it is node {}, too, at {}: stop one of the two", s.options.node.name, *todo.same_name);
  arm(self);
}

gossiper_actor::behavior_type gossiper(gossiper_pointer self, const gossiper_options& options) {
  auto& s = self->state;
  s.options = options;
  s.members.emplace(options.node, options.address, static_cast<std::uint64_t>(options.clock->now()), options.seeds,
    options.timing, *options.random, now_of(self));
  self->set_default_handler(caf::drop);
  arm(self);
  return {
    [self](gossip_atom, const wire<pb::gossip_message>& m) {
      carry_out(self, self->state.members->receive(*m, now_of(self)));
    },
    [self](status_atom) {
      std::vector<gossip_member> all;
      for (auto& [id, m] : self->state.members->members()) all.push_back(m);
      return members_view{std::make_shared<const std::vector<gossip_member>>(std::move(all))};
    },
    [self](leave_atom) { carry_out(self, self->state.members->leave()); },
    [self](tick_atom) {
      auto& st = self->state;
      st.armed.reset();
      auto now = now_of(self);
      if (now >= st.members->next())
        carry_out(self, st.members->tick(now));
      else
        arm(self);
    },
  };
}

} // namespace

gossiper_actor spawn_gossiper(caf::actor_system& system, gossiper_options options) {
  return spawn_counted(system, gossiper, std::move(options));
}

} // namespace troupe
