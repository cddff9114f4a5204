// SURVEYOR: asks every node and metadata member on behalf of an operator and puts the answers together (survey.hpp). All
// are asked at once, each for as long as `timeout`. Nothing depends on it: it may be slow, wrong about the last second, or
// not there. Learns of the storage nodes as the REPLICATOR does, by views of the RING MANAGER.
#pragma once

#include "actors/cluster_view.hpp"
#include "actors/interfaces.hpp"
#include "actors/process_controls.hpp"
#include "actors/survey.hpp"
#include "net/channel.hpp"

#include <caf/fwd.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace troupe {

struct surveyor_options {
  surveyor_options() = default;                            // not an aggregate: CAF rule 1
  std::string cluster;                                     // its id
  cluster_view view;                                       // until another one comes
  gossiper_actor gossiper;                                 // may be empty
  std::vector<std::pair<node_id, metadata_actor>> members; // known from the start
  std::shared_ptr<channel> net;                            // for the members that a map adds; may be empty
  std::shared_ptr<const process_controls> controls;        // of this process
  std::shared_ptr<event_log> events;                       // told what changes while it is watched; may be empty
  std::chrono::milliseconds timeout{3'000};
  std::chrono::milliseconds look_interval{1'000}; // while somebody watches
};

surveyor_actor spawn_surveyor(caf::actor_system&, surveyor_options);

} // namespace troupe
