// raft_host: one libraft member: its raft_io on top of raft_disk, its raft_fsm on top of a raft_machine, without threads,
// sockets or clocks of its own. It says what has to be done elsewhere (an fsync, a checkpoint) and is told the outcome.
// One thread owns it. Why it is built this way: docs/decisions/0005-libraft-in-an-actor.md.
//
// A failed append, fsync or apply is final: failure() is set, everything in flight and everything later is refused with
// ec::closed, and the member neither leads nor votes until it is opened anew.
#pragma once

#include "base/bytes.hpp"
#include "base/environment.hpp"
#include "base/error.hpp"
#include "store/log_sync.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

class disk;

// What the committed commands are applied to.
class raft_machine {
public:
  virtual ~raft_machine() = default;
  // A committed command. After a restart the commands since the last snapshot come again; the machine skips those that
  // it already holds. An error is final for the member.
  virtual result<> apply(std::uint64_t index, bytes_view command) = 0;
  // The last index that survives a crash without the log. Never behind the snapshot.
  virtual std::uint64_t checkpointed_index() const = 0;
  // Asked after every apply and tick, unless a checkpoint is under way.
  virtual bool wants_checkpoint() const = 0;
  // Freezes what has been applied, which ends with `index`, and returns the work that makes it durable, for any thread.
  virtual std::function<result<>()> begin_checkpoint(std::uint64_t index, std::uint64_t term) = 0;
  // The work's outcome, and whether it made a snapshot: when not, a new checkpoint is wanted.
  virtual void end_checkpoint(const result<>& outcome, bool snapshot_taken) = 0;
};

struct raft_member {
  std::uint64_t id = 0; // not 0
  std::string address;
};

struct raft_host_options {
  disk* files = nullptr;
  std::string directory;
  entropy* random = nullptr;
  std::function<std::uint64_t()> now_ms; // monotonic
  std::uint64_t id = 0;
  std::vector<raft_member> members; // voters of the first start, this one among them; later ignored
  unsigned heartbeat_ms = 100;      // also how often tick() is to be called
  unsigned election_ms = 1000;
  unsigned trailing = 1; // entries that stay behind a snapshot; a follower that lags by more needs the whole state
  std::uint64_t segment_bytes = std::uint64_t{16} << 20;
};

class raft_host {
public:
  // Reads the log, bootstraps a first start, applies what was committed. A group of one leads when this returns.
  // The machine must outlive the host.
  static result<std::unique_ptr<raft_host>> open(raft_host_options, raft_machine&);
  ~raft_host();
  raft_host(const raft_host&) = delete;
  raft_host& operator=(const raft_host&) = delete;

  // Appends a command. `done` is called once, never from inside propose(): right after apply() of this command, or with
  // the reason why it is not known to be committed. An error here means that nothing was appended: ec::not_leader,
  // ec::no_space, ec::closed.
  using on_done = std::function<void(const result<>&)>;
  result<> propose(bytes_view command, on_done done);
  // The same with an entry that changes nothing: when it is applied, so is everything before it, and this member led.
  result<> barrier(on_done done);

  void tick();
  // An fsync to run, and later its outcome. At most syncs_max at a time; they end in their order.
  static constexpr std::size_t syncs_max = 2;
  std::optional<log_sync> take_sync();
  void synced(const result<>& outcome);
  // A checkpoint to run (any thread), and later its outcome. At most one at a time.
  std::function<result<>()> take_checkpoint();
  void checkpointed(const result<>& outcome);

  bool idle() const; // nothing in flight: closing it loses no answer
  // Everything in flight is answered with ec::closed. The destructor does it too.
  void close();

  const std::optional<error>& failure() const;
  bool leader() const;
  std::size_t voters() const;
  std::string state_name() const; // leader, follower, candidate, unavailable
  std::string leader_address() const;
  std::uint64_t term() const;
  std::uint64_t last_index() const;
  std::uint64_t commit_index() const;
  std::uint64_t applied_index() const;
  std::uint64_t snapshot_index() const;
  std::uint64_t held_bytes() const; // of entries, on disk and in memory, that no snapshot has replaced yet

private:
  struct impl;
  explicit raft_host(std::unique_ptr<impl>);
  std::unique_ptr<impl> impl_;
};

} // namespace troupe
