// cluster_view: the storage nodes as the replicator and its sessions see them. Immutable; a change makes a new one.
// Also the limits that the sessions work under.
#pragma once

#include "actors/interfaces.hpp"
#include "core/cluster_map.hpp"
#include "core/latency_estimate.hpp"
#include "core/ring.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace troupe {

struct storage_node {
  storage_node() = default; // not an aggregate: CAF rule 1
  storage_node(node_id i, shard_actor s) : id(std::move(i)), shard(std::move(s)) {}
  node_id id;
  shard_actor shard; // empty: the node can not be reached
};

struct cluster_view {
  cluster_view() = default;
  ring places;                            // where new content goes
  std::vector<storage_node> nodes;        // also those that take no new content
  std::vector<node_id> suspects;          // of them: gossip had no answer lately
  std::vector<node_id> gone;              // for good: what they held is held no more
  node_id local;                          // its pieces are preferred; may be empty
  std::shared_ptr<const cluster_map> map; // what it was made of; empty where there is none (`troupe dev`)

  const shard_actor* find(const node_id& id) const {
    for (auto& n : nodes)
      if (n.id == id) return n.shard ? &n.shard : nullptr;
    return nullptr;
  }
};

struct session_limits {
  session_limits() = default;
  std::size_t stripes_in_flight = 2;                       // of one upload: the memory it may take
  std::uint64_t read_ahead_bytes = std::uint64_t{2} << 20; // of one download; two pieces at least
  std::chrono::milliseconds piece_timeout{10'000};         // append or read of one piece
  std::chrono::milliseconds sync_timeout{30'000};
  std::chrono::milliseconds remove_timeout{10'000};
  std::chrono::milliseconds slow_grace{3'000};     // for the last nodes once there is a quorum without them
  std::chrono::milliseconds idle_timeout{300'000}; // without a message, a session gives up
  std::chrono::milliseconds suspicion{10'000};     // a node that failed an upload gets no new ones for so long
  unsigned hash_together_from = 4;                 // uploads at a time; fewer are faster hashed each by its own session
  // Of a session that is traced, only the pieces of so many stripes get spans of their own: they look much the same.
  std::uint64_t stripes_traced_max = 4;
  latency_estimate::bounds hedge; // when another node is asked for a piece: the p95 of reads, within
};

// How long reads of pieces take, over all downloads of a replicator. Sessions run on several threads.
class read_latency {
public:
  explicit read_latency(latency_estimate::bounds b) : estimate_(b) {}
  void sample(latency_estimate::duration took) {
    std::lock_guard lock{mutex_};
    estimate_.sample(took);
  }
  latency_estimate::duration hedge_after() const {
    std::lock_guard lock{mutex_};
    return estimate_.p95();
  }

private:
  mutable std::mutex mutex_;
  latency_estimate estimate_;
};

} // namespace troupe
