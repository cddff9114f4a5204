// SYNCER: runs the fdatasync of a log's tickets, one after the other, so that the log's owner goes on serving meanwhile.
#pragma once

#include "actors/interfaces.hpp"

#include <caf/fwd.hpp>

namespace troupe {

// Detached in a process; an ordinary actor in a simulation.
syncer_actor spawn_syncer(caf::actor_system&, bool detached);

} // namespace troupe
