// VOLUME MANAGER: a node's volume directory: checks whose it is, opens the store in it, and spawns the SHARD with its
// SYNCER and WORKER. They end with it.
//
// In the directory: `volume` (whose it is: name = value lines), shard/ (the log), index/ (LMDB). An index that can not
// be opened is set aside as index.damaged-N and made anew from the log.
#pragma once

#include "actors/interfaces.hpp"
#include "base/environment.hpp"
#include "core/latency_histogram.hpp"
#include "core/tracer.hpp"
#include "store/disk.hpp"
#include "store/piece_store.hpp"

#include <caf/fwd.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace troupe {

struct volume_options {
  volume_options() = default; // not an aggregate: CAF rule 1
  std::string node;
  std::string cluster;       // its id: a volume of another cluster is refused
  std::string directory;     // on the real file system; made when missing
  bool had_data = false;     // the cluster knows this node: an empty directory means that its data is lost
  piece_store_options store; // its directory is relative to the volume's
  bool detached = true;      // threads of their own for what blocks; false: in simulations
  std::uint64_t compaction_bytes_per_second = std::uint64_t{64} << 20;
  std::uint64_t scrub_bytes_per_second = std::uint64_t{16} << 20;
  std::chrono::milliseconds scrub_interval{std::chrono::hours{168}};
  std::shared_ptr<latency_histogram> sync_times; // of the log; may be nothing, as the next one
  std::shared_ptr<tracer> tracing;
  const wall_clock* clock = &system_clock_source(); // for the scrub
  // Simulations bring their own; nothing: the real ones in `directory`.
  std::shared_ptr<disk> files;
  std::shared_ptr<state_base> index;
};

// ec::conflict: the directory is another node's or another cluster's. ec::incompatible: of another format.
result<volume_manager_actor> spawn_volume_manager(caf::actor_system&, volume_options);

} // namespace troupe
