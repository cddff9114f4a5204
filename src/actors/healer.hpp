// HEALER: reclaims what overwrites and deletes left behind. Walks table garbage, has the replicator remove the pieces
// of each row that is old enough and not being read, and erases the row once every node confirmed: a node that was
// away keeps its row until it is back. Repair and rebalance are to join it here.
#pragma once

#include "actors/interfaces.hpp"
#include "base/environment.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <string>

namespace troupe {

class read_pins;

struct healer_options {
  healer_options() = default;
  metadata_actor metadata;
  replicator_actor replicator;
  const read_pins* pins = nullptr;
  const wall_clock* clock = nullptr;
  unix_ms grace_ms = 60'000;                 // longer than a reader takes from looking to pinning
  std::chrono::milliseconds interval{1'000}; // between walks
  std::chrono::milliseconds request_timeout{15'000};
  std::uint32_t rows_per_step = 256;
};

struct healer_state {
  healer_state() = default; // not an aggregate: CAF rule 1
  static inline const char* name = "healer";
  healer_options options;
  std::string cursor;          // where the walk of table garbage is; empty: at its start
  std::uint64_t reclaimed = 0; // rows since start
  std::uint64_t refused = 0;   // removals that a node did not confirm, since start
};

healer_actor::behavior_type healer(healer_actor::stateful_pointer<healer_state> self, healer_options options);

} // namespace troupe
