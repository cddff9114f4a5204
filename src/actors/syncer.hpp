// SYNCER: runs the fdatasync of a log's tickets, one after the other, so that the log's owner goes on serving meanwhile.
#pragma once

#include "actors/interfaces.hpp"
#include "core/latency_histogram.hpp"

#include <caf/fwd.hpp>

#include <memory>

namespace troupe {

// Detached in a process; an ordinary actor in a simulation. `took` is told how long each sync that succeeded took; may be
// nothing.
syncer_actor spawn_syncer(caf::actor_system&, bool detached, std::shared_ptr<latency_histogram> took = {});

} // namespace troupe
