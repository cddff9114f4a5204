// REMOTE METADATA: a metadata member of another process: the same interface, its requests carried by the channel.
#pragma once

#include "actors/interfaces.hpp"
#include "net/channel.hpp"

#include <caf/fwd.hpp>

#include <chrono>
#include <memory>

namespace troupe {

metadata_actor spawn_remote_metadata(
  caf::actor_system&, std::shared_ptr<channel>, peer_address, std::chrono::milliseconds timeout);

} // namespace troupe
