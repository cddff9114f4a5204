#include "actors/syncer.hpp"

#include <caf/actor_system.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace troupe {
namespace {

syncer_actor::behavior_type syncer(syncer_actor::pointer self) {
  self->set_default_handler(caf::drop);
  return {[](sync_atom, const log_sync& ticket) -> caf::result<void> {
    auto outcome = ticket.run();
    if (!outcome) return to_caf(outcome.error());
    return caf::unit;
  }};
}

} // namespace

syncer_actor spawn_syncer(caf::actor_system& system, bool detached) {
  return detached ? system.spawn<caf::detached>(syncer) : system.spawn(syncer);
}

} // namespace troupe
