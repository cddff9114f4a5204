#include "actors/readers.hpp"

#include "actors/census.hpp"
#include "actors/healing_view.hpp"
#include "actors/peer_requests.hpp"
#include "core/read_pins.hpp"

#include <caf/actor_system.hpp>
#include <caf/result.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <set>

namespace troupe {
namespace {

using answered_readers = readers_actor::extend<answered_by_peers>;

struct readers_state {
  readers_state() = default;
  static inline const char* name = "readers";
  readers_options options;
  peer_requests peers;
  std::shared_ptr<const healing_view> view;
};

using readers_pointer = answered_readers::stateful_pointer<readers_state>;

struct question {
  std::size_t waiting = 1; // held until all are asked
  std::set<std::string> pinned;
  std::optional<error> failure; // of one that may be reading
  reply<wire<pb::data_ids>> answer;
};

void one_answered(const std::shared_ptr<question>& q) {
  if (--q->waiting != 0) return;
  if (q->failure) return q->answer(*q->failure);
  pb::data_ids all;
  for (auto& id : q->pinned) all.add_ids(id);
  q->answer(wire{std::move(all)});
}

caf::result<wire<pb::data_ids>> ask_everybody(readers_pointer self, const wire<pb::data_ids>& ids) {
  auto& s = self->state;
  auto q = std::make_shared<question>();
  q->answer = reply<wire<pb::data_ids>>{self};
  for (auto& id : pinned_here(*ids, *s.options.pins).ids()) q->pinned.insert(id);
  if (!s.view) q->failure = fail(ec::unavailable, "the cluster is not known yet");
  if (s.view)
    for (auto& n : s.view->map.nodes()) {
      if (n.id == s.options.self || !n.roles.coordinator || s.view->dead.contains(n.id)) continue;
      if (n.state == node_state::gone || n.state == node_state::down) continue;
      ++q->waiting;
      s.peers.call(self, {n.id.name, n.address}, plane::control, to_peer(peer_method::pins, *ids), s.options.timeout,
        [q](const result<peer_message>& answered) {
          auto held = answered ? parse_head<pb::data_ids>(*answered) : result<pb::data_ids>{answered.error()};
          if (held)
            q->pinned.insert(held->ids().begin(), held->ids().end());
          else
            q->failure = held.error();
          one_answered(q);
        });
    }
  one_answered(q);
  return q->answer.later();
}

} // namespace

pb::data_ids pinned_here(const pb::data_ids& ids, const read_pins& pins) {
  pb::data_ids held;
  for (auto& id : ids.ids())
    if (pins.held(data_id::from_bytes(id))) held.add_ids(id);
  return held;
}

readers_actor spawn_readers(caf::actor_system& system, readers_options options) {
  return caf::actor_cast<readers_actor>(spawn_counted(
    system, [options = std::move(options)](readers_pointer self) mutable -> answered_readers::behavior_type {
      self->state.peers = peer_requests{options.net};
      self->state.options = std::move(options);
      self->set_default_handler(caf::drop);
      return {
        [self](pinned_atom, const wire<pb::data_ids>& ids) { return ask_everybody(self, ids); },
        [self](view_atom, const new_healing_view& v) { self->state.view = v.view; },
        [self](answer_atom, const peer_answer& a) { self->state.peers.arrived(a); },
      };
    }));
}

} // namespace troupe
