// REPLICATOR: reads and writes of content over the storage nodes. Spawns one session (upload.hpp, download.hpp) for each
// and removes extents; knows nothing of buckets and keys.
#pragma once

#include "actors/cluster_view.hpp"
#include "base/environment.hpp"
#include "core/byte_rate.hpp"
#include "core/tracer.hpp"

#include <caf/fwd.hpp>

#include <memory>

namespace troupe {

class read_pins;

struct replicator_options {
  replicator_options() = default; // not an aggregate: CAF rule 1
  cluster_view cluster;
  entropy* random = nullptr; // for data ids; must outlive the actor
  session_limits limits;
  read_pins* pins = nullptr; // is told what uploads are writing; outlives the sessions. May be nothing
  std::shared_ptr<shared_byte_rate> healing_rate; // of all repairs and moves; nothing: as fast as they go
  std::shared_ptr<tracer> tracing;                // nothing: off
};

replicator_actor spawn_replicator(caf::actor_system&, replicator_options);

} // namespace troupe
