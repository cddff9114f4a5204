// READERS: which content is being read anywhere in the cluster: asks every process that may read (each coordinator that is
// not dead) for its pins. Before anything is reclaimed: a reader that began before the record was replaced must see the
// whole old version.
#pragma once

#include "actors/interfaces.hpp"
#include "net/channel.hpp"

#include <caf/fwd.hpp>

#include <chrono>
#include <memory>

namespace troupe {

class read_pins;

struct readers_options {
  readers_options() = default; // not an aggregate: CAF rule 1
  std::shared_ptr<channel> net;
  const read_pins* pins = nullptr; // of this process
  node_id self;
  std::chrono::milliseconds timeout{5'000};
};

readers_actor spawn_readers(caf::actor_system&, readers_options);

// Those of the ids that are being read in this process.
pb::data_ids pinned_here(const pb::data_ids&, const read_pins&);

} // namespace troupe
