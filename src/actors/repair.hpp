// REPAIR: gives the nodes of one extent the pieces that they should hold and do not: copied from where they were before,
// when the extent was placed anew, else made anew from the others. One stripe at a time, so that it needs little memory, and
// each when the rate that it shares with all others allows the bytes that it writes.
// Ends when it has answered.
#pragma once

#include "actors/cluster_view.hpp"
#include "core/byte_rate.hpp"

#include <caf/fwd.hpp>
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include <memory>

namespace troupe {

struct repair_start {
  repair_start() = default; // not an aggregate: CAF rule 1
  wire<pb::repair_record> what;
  std::shared_ptr<const cluster_view> cluster;
  session_limits limits;
  std::shared_ptr<shared_byte_rate> rate; // nothing: as fast as it goes
};

using repair_actor = caf::typed_actor<
  // Every missing piece is on its node's disk when this returns. An error: some are not; the same may be asked again.
  caf::replies_to<repair_atom>::with<void>>;

// ec::corrupt for a record that makes no sense.
result<repair_actor> spawn_repair(caf::actor_system&, repair_start);

} // namespace troupe
