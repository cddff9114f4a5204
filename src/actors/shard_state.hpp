// shard_state: what the files of SHARD share: its state, and what one of them asks of the other. Private to them.
#pragma once

#include "actors/shard.hpp"
#include "store/scrub_note.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <set>

namespace troupe {

using after_sync = std::function<void(const result<>&)>;
using scrub_atom = caf::atom_constant<caf::atom("scrub")>;
using ticking_shard = shard_actor::extend<caf::reacts_to<tick_atom>, caf::reacts_to<scrub_atom>>;

// The scrub, and what is kept of it over a restart.
struct shard_scrub {
  using time_point = std::chrono::steady_clock::time_point; // the actor clock's
  bool begun = false;                                       // `round` is one
  piece_store::scrub_round round{.over = true};
  unix_ms began_ms = 0;
  std::uint64_t rounds = 0, damaged = 0; // since the start
  // From here on this process has read: for the estimate.
  time_point read_since;
  std::uint64_t read_from = 0;
  // The note that is on the disk, and what it was made of.
  bool noting = false;
  std::string noted;
  time_point noted_at;
  std::size_t noted_damaged = 0;
  bool noted_over = true;
};

struct shard_state {
  shard_state() = default;
  static inline const char* name = "shard";
  shard_options options;
  std::shared_ptr<piece_store> store;
  std::vector<after_sync> waiting; // for the next sync
  std::vector<after_sync> covered; // by the one that runs
  bool syncing = false;
  bool checkpoint_paused = false;        // the last one failed: the next try is at a tick
  bool compaction_waits = false;         // for a sync
  space_level space = space_level::fine; // as logged
  std::uint64_t damaged_reads = 0;
  std::set<piece_key> damaged; // did not read; until they are written anew. Bounded: the rest, another time
  log_limit damage_lines, compaction_lines;
  shard_scrub scrub;
};

using shard_pointer = ticking_shard::stateful_pointer<shard_state>;

// shard_scrub.cpp
void note_damage(shard_pointer self, const piece_key& key, const error& what, const char* found_by);
// Takes up what an earlier start noted; the time until the first step.
std::chrono::nanoseconds resume_scrub(shard_pointer self);
// One step of the scrub; the time until the next.
std::chrono::nanoseconds scrub(shard_pointer self);
std::int64_t scrub_seconds_left(const shard_state& s, std::chrono::steady_clock::time_point now);
// Has the worker write down how far the scrub is, now and then. Called at every tick.
void keep_scrub_note(shard_pointer self);

} // namespace troupe
