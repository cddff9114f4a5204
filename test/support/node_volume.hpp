// node_volume: a simulated node's disk and index, which outlive its shard, and small limits, so that little data makes
// many segments and checkpoints.
#pragma once

#include "actors/shard.hpp"
#include "store/sim_disk.hpp"
#include "store/state.hpp"

#include <memory>
#include <string>

namespace troupe::test {

struct node_volume {
  explicit node_volume(std::uint64_t seed) : files(std::make_shared<sim_disk>(seed)) {}
  std::shared_ptr<sim_disk> files;
  std::shared_ptr<state_base> index = make_memory_base();
  shard_options options(const std::string& node) const {
    shard_options o;
    o.node = node;
    o.volume = files;
    o.index = index;
    o.detached = false;
    o.store.directory = "shard";
    o.store.segment_bytes = 16 << 10;
    o.store.replay_bytes_max = 32 << 10;
    o.store.overlay_bytes_max = 32 << 10;
    return o;
  }
};

} // namespace troupe::test
