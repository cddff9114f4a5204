// shards_config: the volumes of the shards surface, as the configuration lists them.
#pragma once

#include "base/ids.hpp"
#include "volumes/volume_provider.hpp"

#include <chrono>
#include <cstdint>
#include <vector>

namespace troupe {

struct listed_volume {
  volume_config volume;
  std::vector<node_id> nodes; // that have it attached, one of them as the primary; none: all with an address for shards
  friend bool operator==(const listed_volume&, const listed_volume&) = default;
};

// Of shards' logs.
struct compaction_config {
  std::uint32_t at_percent = 50;       // of a closed segment that is dead
  std::uint64_t rate_bytes = 32 << 20; // read and written in a second, by a process
  friend bool operator==(const compaction_config&, const compaction_config&) = default;
};

struct shards_config {
  std::chrono::milliseconds lease{3000}; // of a volume that several nodes may write
  std::chrono::milliseconds delete_grace{60'000};
  std::chrono::milliseconds snapshot_interval{0}; // 0: there are no regular snapshots
  std::uint32_t snapshot_keep = 7;                // of those
  compaction_config compaction;
  std::vector<listed_volume> volumes;
  friend bool operator==(const shards_config&, const shards_config&) = default;
};

} // namespace troupe
