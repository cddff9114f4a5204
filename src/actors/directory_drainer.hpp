// DIRECTORY DRAINER: after a resize, moves the keys of the directory from the disk buckets of the epoch before to their new
// homes, a page at a time, and then ends that epoch. One in every coordinator: each begins at another bucket, and a page that
// another one moved first is skipped. What it does is core/directory_drain.hpp; a crash leaves nothing to clean up.
#pragma once

#include "actors/interfaces.hpp"
#include "base/environment.hpp"
#include "base/log_limit.hpp"
#include "core/directory_drain.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

using directory_drainer_actor = caf::typed_actor<
  // The next step; driven by its own timer.
  caf::reacts_to<tick_atom>,
  // Keys moved since start.
  caf::replies_to<status_atom>::with<std::uint64_t>>;

struct directory_drainer_options {
  directory_drainer_options() = default; // not an aggregate: CAF rule 1
  metadata_actor metadata;
  const wall_clock* clock = nullptr;
  entropy* random = nullptr;                      // where a walk begins
  std::uint32_t keys_per_step = 64;               // in one batch
  std::chrono::milliseconds pause{10};            // between steps: bounds what moving takes from clients
  std::chrono::milliseconds idle_interval{2'000}; // between looks while nothing moves
  std::chrono::milliseconds request_timeout{15'000};
};

struct directory_drainer_state {
  directory_drainer_state() = default; // not an aggregate: CAF rule 1
  static inline const char* name = "directory_drainer";
  directory_drainer_options options;
  std::optional<directory_layout> layout; // of the walk
  std::string cursor;                     // where the walk is; empty: at the start of the epoch
  std::vector<draining_row> page;         // what is being moved; one by one once the page as a whole was refused
  std::deque<draining_row> one_by_one;
  std::uint64_t moved = 0;
  // Walks of the whole epoch that moved nothing although keys are there, in a row: others move them, or nobody can.
  std::optional<std::uint64_t> moved_before; // when the walk was at the start last
  unsigned fruitless = 0;
  std::string reason; // why a key could not be moved, the last time
  log_limit lines;
};

directory_drainer_actor::behavior_type directory_drainer(
  directory_drainer_actor::stateful_pointer<directory_drainer_state> self, directory_drainer_options options);

} // namespace troupe
