// SHARD: one piece_store on one volume, as an actor. Group commit: one sync at a time runs in the syncer, the next one
// covers everything that came meanwhile. Checkpoints of the index run in the worker, compaction in bounded steps
// between messages. After a write or sync error it is read-only: what it has can still be read and moved away.
// Scrubs: reads everything it has once in a while, at a bounded rate; what does not read counts as missing from then on,
// so that a comparison finds it and has it made anew.
#pragma once

#include "actors/interfaces.hpp"
#include "actors/worker.hpp"
#include "base/environment.hpp"
#include "base/log_limit.hpp"
#include "core/tracer.hpp"
#include "store/piece_store.hpp"

#include <caf/fwd.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

struct shard_options {
  shard_options() = default; // not an aggregate: CAF rule 1
  std::string node;          // for log lines and the status
  std::shared_ptr<disk> volume;
  piece_store_options store;
  std::shared_ptr<state_base> index; // used by this shard alone
  syncer_actor syncer;
  worker_actor worker;
  bool detached = true; // its handlers read and write files
  std::uint64_t compaction_bytes_per_second = std::uint64_t{64} << 20;
  std::uint64_t compaction_step_bytes = std::uint64_t{1} << 20;
  std::chrono::milliseconds idle_interval{1'000}; // between looks for something to compact
  std::uint64_t scrub_bytes_per_second = std::uint64_t{16} << 20;
  std::uint64_t scrub_step_bytes = std::uint64_t{1} << 20;
  std::chrono::milliseconds scrub_interval{std::chrono::hours{168}}; // from the begin of one round to that of the next
  std::chrono::milliseconds scrub_delay{60'000};                     // before the first; at most the interval
  const wall_clock* clock = &system_clock_source();                  // how old a round is, over restarts
  std::uint64_t instance = 0;                                        // tells two starts apart; 0: a random one
  std::shared_ptr<tracer> tracing;                                   // nothing: off
};

// Opens the store first: an error here means there is no shard.
result<shard_actor> spawn_shard(caf::actor_system&, shard_options);

} // namespace troupe
