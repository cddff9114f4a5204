// WORKER: runs one piece of blocking work after another, so that the actor that asked goes on serving meanwhile.
// Detached in a process, an ordinary actor in a simulation.
#pragma once

#include "actors/messages.hpp"

#include <caf/fwd.hpp>
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include <functional>

namespace troupe {

using run_atom = caf::atom_constant<caf::atom("run")>;

struct work {
  work() = default; // not an aggregate: CAF rule 1
  explicit work(std::function<result<>()> f) : run(std::move(f)) {}
  std::function<result<>()> run;
};

using worker_actor = caf::typed_actor<
  // Answers when the work has run, with its error.
  caf::replies_to<run_atom, work>::with<void>>;

worker_actor spawn_worker(caf::actor_system&, bool detached);

} // namespace troupe

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::work)
