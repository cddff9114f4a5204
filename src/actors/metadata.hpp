// METADATA: a member of the Raft group that owns the metadata tables, of 1, 3 or 5. Commits that arrive while an append
// is in flight become one log entry, one fsync; reads are answered from memory and LMDB, without a log entry: reads that
// wait share one question to a majority, and a group of one asks nobody. Only the leader answers either; another member
// refuses with ec::not_leader at once when it knows the leader ("... leader=ID@ADDRESS"), and otherwise waits for one.
// The work is in raft_host and metadata_replica; this actor carries messages and supplies time.
#pragma once

#include "actors/interfaces.hpp"
#include "actors/metadata_replica.hpp"
#include "actors/worker.hpp"
#include "core/tracer.hpp"

#include <caf/fwd.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

class disk;
class entropy;
struct process_latencies;

struct metadata_options {
  metadata_options() = default; // not an aggregate: CAF rule 1
  std::uint64_t id = 1;
  std::string address;                                 // where other members reach this one; empty: as in `members`
  std::vector<raft_member> members{{1, "metadata-1"}}; // of the first start, the same at each of them; later ignored
  bool bootstrap = true; // false: a first start knows no members and waits until the group's leader sends the log
  // The group was formed before and this member's disk is new: it does not vote until it has caught up. Only looked at in
  // a first start.
  bool recovering = false;
  // To another member. Called in the actor; may lose, delay and double messages. Nothing: this member is alone.
  std::function<void(std::uint64_t member, const std::string& address, const wire<pb::raft_message>&)> send;
  // Asks another member's METADATA (copy_atom). `done` may be called anywhere, once: with an error when there is no answer
  // in time (copy_idle at the latest). Nothing: a member that lags too far stays behind.
  std::function<void(std::uint64_t member, const std::string& address, pb::state_copy_request,
    std::function<void(result<pb::state_copy_page>)> done)>
    fetch;
  std::shared_ptr<disk> files;
  std::string directory; // on that disk: for the Raft log and its small files
  std::shared_ptr<state_base> base;
  syncer_actor syncer;
  worker_actor worker;                          // for checkpoints and copies
  entropy* random = nullptr;                    // nothing: the system's
  std::shared_ptr<tracer> tracing;              // nothing: off
  bool detached = true;                         // its handlers write files and read LMDB
  std::shared_ptr<process_latencies> latencies; // told how long commits take; may be empty

  std::chrono::milliseconds heartbeat{100};
  std::chrono::milliseconds election{1000};
  std::chrono::milliseconds patience{5000}; // how long a request waits for a leader, or for room in the log

  std::size_t entry_batches_max = 1024;               // of one log entry
  std::size_t entry_bytes_max = std::size_t{1} << 20; // a larger batch gets an entry of its own
  std::size_t waiting_max = 8192;                     // commits; more are refused with ec::slow_down
  std::size_t waiting_bytes_max = std::size_t{64} << 20;
  checkpoint_limits checkpoint;
  // Entries that no checkpoint has covered yet, in memory and on disk: commits wait at this bound. Must be well above
  // checkpoint.command_bytes.
  std::uint64_t held_bytes_max = std::uint64_t{64} << 20;
  std::uint64_t segment_bytes = std::uint64_t{64} << 20;
  // What a checkpoint leaves of the log for members that lag: entries and bytes.
  unsigned trailing_entries = 16384;
  std::uint64_t trailing_bytes = std::uint64_t{8} << 20;
  std::chrono::milliseconds copy_idle{30'000}; // a copy of the state that nobody reads any more is dropped
};

// Opens log and state first: an error here (ec::corrupt names file or segment) means there is no member. A group of one
// leads when this returns. An exit message ends it after what is in flight; ec::closed answers what comes later. A leader
// that has followers hands over first, for at most two election timeouts.
result<metadata_actor> spawn_metadata(caf::actor_system&, metadata_options);

} // namespace troupe
