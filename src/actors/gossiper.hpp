// GOSSIPER: carries core/gossip.hpp: gives it time and messages, posts what it wants to say to other processes' actor
// ports, and shows whoever asks what it knows. It only suspects; what the cluster is, the metadata group decides.
#pragma once

#include "actors/interfaces.hpp"
#include "base/environment.hpp"
#include "core/event_log.hpp"
#include "core/gossip.hpp"
#include "core/latency_histogram.hpp"
#include "net/channel.hpp"

#include <caf/fwd.hpp>

#include <memory>
#include <string>
#include <vector>

namespace troupe {

struct gossiper_options {
  gossiper_options() = default; // not an aggregate: CAF rule 1
  node_id node;
  std::string address;            // as others reach it
  std::vector<std::string> seeds; // addresses to join by
  gossip_options timing;
  std::shared_ptr<channel> net;
  wall_clock* clock = nullptr; // for the first incarnation
  entropy* random = nullptr;
  std::shared_ptr<event_log> events;            // may be empty
  std::shared_ptr<process_latencies> latencies; // told how long probes take; may be empty
};

gossiper_actor spawn_gossiper(caf::actor_system&, gossiper_options);

} // namespace troupe
