// shards_config: the volumes of the shards surface, as the configuration lists them.
#pragma once

#include "base/ids.hpp"
#include "volumes/volume_provider.hpp"

#include <chrono>
#include <vector>

namespace troupe {

struct listed_volume {
  volume_config volume;
  std::vector<node_id> nodes; // that have it attached, one of them as the primary; none: all with an address for shards
  friend bool operator==(const listed_volume&, const listed_volume&) = default;
};

struct shards_config {
  std::chrono::milliseconds lease{3000}; // of a volume that several nodes may write
  std::chrono::milliseconds delete_grace{60'000};
  std::vector<listed_volume> volumes;
  friend bool operator==(const shards_config&, const shards_config&) = default;
};

} // namespace troupe
