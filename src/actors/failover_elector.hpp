// FAILOVER ELECTOR: gets and keeps the lease of one volume, for this process (core/volume_lease.hpp): reads the volume's
// rows, takes the lease when it is free, has the volume sealed by a WORKER, renews. A volume that can not be sealed is left
// to others for a while, longer each time. One actor a volume. Ends by an exit message, after it has given the lease back (at
// most one lease later).
#pragma once

#include "actors/interfaces.hpp"
#include "actors/worker.hpp"
#include "base/monotonic_clock.hpp"
#include "core/volume_lease.hpp"

#include <caf/stateful_actor.hpp>

#include <memory>

namespace troupe {

class volume;

using retake_atom = caf::atom_constant<caf::atom("retake")>;

using failover_elector_actor = caf::typed_actor<caf::reacts_to<tick_atom>,
  // Of a holder: takes the volume anew, with the next token, and has it sealed again (after a restore was ordered).
  caf::reacts_to<retake_atom>,
  // Gives the lease back and ends; of an exclusive volume, when it was released. Answered when that is committed, or could not be.
  caf::replies_to<leave_atom>::with<void>>;

struct failover_elector_options {
  failover_elector_options() = default; // not an aggregate: CAF rule 1
  volume_lease_options lease;
  metadata_actor metadata;
  worker_actor worker; // seals
  std::shared_ptr<troupe::volume> volume;
  const monotonic_clock* clock = nullptr;
};

failover_elector_actor spawn_failover_elector(caf::actor_system&, failover_elector_options);

} // namespace troupe
