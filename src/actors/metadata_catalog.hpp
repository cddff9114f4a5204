// metadata_catalog: shard_catalog on the metadata group, for threads that may wait (those of gRPC): every call asks
// METADATA and blocks until it answers, at most `patience`.
#pragma once

#include "actors/interfaces.hpp"
#include "volumes/shard_catalog.hpp"

#include <caf/fwd.hpp>

#include <chrono>
#include <memory>

namespace troupe {

// The actor system and the group outlive it.
std::shared_ptr<shard_catalog> make_metadata_catalog(
  caf::actor_system&, metadata_actor, std::chrono::milliseconds patience = std::chrono::milliseconds{3000});

} // namespace troupe
