// RING MANAGER: what the cluster is, for this process. Reads the cluster map from the metadata group, lays over it what
// gossip says of who is alive, and gives the REPLICATOR the picture that results: which nodes to use, and how to reach
// them. Makes the changes of the map that an operator asks for, and what this node's configuration says of itself: that it
// is in the map, and its zone, weight and roles. In the process whose metadata member leads, it also changes the map by
// what gossip sees (core/membership.hpp).
#pragma once

#include "actors/address_book.hpp"
#include "actors/cluster_view.hpp"
#include "base/environment.hpp"
#include "core/cluster_map.hpp"
#include "core/event_log.hpp"
#include "core/membership.hpp"
#include "core/placement.hpp"
#include "core/upload_era.hpp"
#include "net/channel.hpp"

#include <caf/fwd.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <vector>

namespace troupe {

struct ring_manager_options {
  ring_manager_options() = default; // not an aggregate: CAF rule 1
  std::string cluster;              // its id
  cluster_node self;
  metadata_actor metadata; // the group
  metadata_actor member;   // the one of this process; may be empty
  gossiper_actor gossiper;
  replicator_actor replicator; // may be empty: no coordinator here
  surveyor_actor surveyor;     // the same
  shard_actor shard;           // of this process; may be empty
  std::shared_ptr<channel> net;
  std::vector<cluster_node> listed; // the configuration's nodes
  membership_options membership;
  std::shared_ptr<address_book> addresses;     // is told where nodes are
  std::shared_ptr<live_node_counts> nodes;     // is told how many there are; may be empty
  std::shared_ptr<known_upload_era> era;       // is told what new content belongs to; may be empty
  std::shared_ptr<std::atomic<bool>> in_touch; // is told whether the map could be read; may be empty
  std::chrono::milliseconds interval{500};
  std::chrono::milliseconds request_timeout{10'000}; // longer than the router's patience: it knows what is wrong
  wall_clock* clock = nullptr;
  std::shared_ptr<event_log> events; // told what changed in the map; may be empty
};

ring_manager_actor spawn_ring_manager(caf::actor_system&, ring_manager_options);

} // namespace troupe
