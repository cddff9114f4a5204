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

syncer_actor::behavior_type syncer(
  syncer_actor::stateful_pointer<syncer_state> self, std::shared_ptr<latency_histogram> took) {
  self->set_default_handler(caf::drop);
  return {[self, took = std::move(took)](sync_atom, const log_sync& ticket) -> caf::result<void> {
    auto began = self->clock().now();
    auto outcome = ticket.run();
    if (!outcome) return to_caf(outcome.error());
    if (took) took->observe(self->clock().now() - began);
    return caf::unit;
  }};
}

} // namespace

syncer_actor spawn_syncer(caf::actor_system& system, bool detached, std::shared_ptr<latency_histogram> took) {
  if (detached) return spawn_counted<caf::detached>(system, syncer, std::move(took));
  return spawn_counted(system, syncer, std::move(took));
}

} // namespace troupe
