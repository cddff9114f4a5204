#include "actors/worker.hpp"

#include <caf/actor_system.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace troupe {
namespace {

worker_actor::behavior_type worker(worker_actor::pointer self) {
  self->set_default_handler(caf::drop);
  return {[](run_atom, const work& w) -> caf::result<void> {
    auto outcome = w.run ? w.run() : result<>{fail(ec::bad_argument, "worker: no work")};
    if (!outcome) return to_caf(outcome.error());
    return caf::unit;
  }};
}

} // namespace

worker_actor spawn_worker(caf::actor_system& system, bool detached) {
  return detached ? system.spawn<caf::detached>(worker) : system.spawn(worker);
}

} // namespace troupe
