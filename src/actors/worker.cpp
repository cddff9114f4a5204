#include "actors/worker.hpp"

#include "actors/census.hpp"

#include <caf/actor_system.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace troupe {
namespace {

struct worker_state {
  worker_state() = default; // not an aggregate: CAF rule 1
  static inline const char* name = "worker";
};

worker_actor::behavior_type worker(worker_actor::stateful_pointer<worker_state> self) {
  self->set_default_handler(caf::drop);
  return {[](run_atom, const work& w) -> caf::result<void> {
    auto outcome = w.run ? w.run() : result<>{fail(ec::bad_argument, "worker: no work")};
    if (!outcome) return to_caf(outcome.error());
    return caf::unit;
  }};
}

} // namespace

worker_actor spawn_worker(caf::actor_system& system, bool detached) {
  return detached ? spawn_counted<caf::detached>(system, worker) : spawn_counted(system, worker);
}

} // namespace troupe
