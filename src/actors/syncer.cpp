#include "actors/syncer.hpp"

#include "actors/census.hpp"

#include <caf/actor_system.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace troupe {
namespace {

struct syncer_state {
  syncer_state() = default; // not an aggregate: CAF rule 1
  static inline const char* name = "syncer";
};

syncer_actor::behavior_type syncer(syncer_actor::stateful_pointer<syncer_state> self) {
  self->set_default_handler(caf::drop);
  return {[](sync_atom, const log_sync& ticket) -> caf::result<void> {
    auto outcome = ticket.run();
    if (!outcome) return to_caf(outcome.error());
    return caf::unit;
  }};
}

} // namespace

syncer_actor spawn_syncer(caf::actor_system& system, bool detached) {
  return detached ? spawn_counted<caf::detached>(system, syncer) : spawn_counted(system, syncer);
}

} // namespace troupe
