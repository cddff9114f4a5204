// REMOTE SHARD: a shard of another process: the same interface, its requests carried by the channel. Content goes on the
// bulk plane, questions on the control plane.
#pragma once

#include "actors/interfaces.hpp"
#include "net/channel.hpp"

#include <caf/fwd.hpp>

#include <chrono>
#include <memory>

namespace troupe {

struct remote_timeouts {
  remote_timeouts() = default;             // not an aggregate: CAF rule 1
  std::chrono::milliseconds piece{10'000}; // append or read
  std::chrono::milliseconds sync{30'000};
  std::chrono::milliseconds question{10'000};
};

shard_actor spawn_remote_shard(caf::actor_system&, std::shared_ptr<channel>, peer_address, remote_timeouts = {});

} // namespace troupe
