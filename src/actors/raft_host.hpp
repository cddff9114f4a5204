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
#include "raft.pb.h"
#include "store/log.hpp"

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
  std::string address;              // where the others reach it; empty: as in `members`
  std::vector<raft_member> members; // voters of the first start, this one among them; later ignored
  bool bootstrap = true;            // false: a first start has no members and waits for a leader's log
  bool recovering = false;          // a first start in a group that exists: see raft_host::recovering()
  // Called at the end of the public functions, never from inside libraft. May lose, delay and double what it is given.
  std::function<void(std::uint64_t member, const std::string& address, pb::raft_message)> send;
  // The leader has forgotten what this member lacks. Called once until prepare_install() or abandon_install().
  std::function<void(std::uint64_t member, const std::string& address, const pb::raft_manifest&)> fetch_state;
  unsigned heartbeat_ms = 100; // also how often tick() is to be called
  unsigned election_ms = 1000;
  // What stays of the log behind a snapshot when there are other members: one that lags by more needs the whole state.
  // Gone after a restart.
  unsigned trailing = 16384;
  std::uint64_t trailing_bytes = std::uint64_t{8} << 20;
  // A follower whose checkpoints do not succeed takes no more entries beyond this. Well above what a leader allows itself.
  std::uint64_t held_bytes_max = std::uint64_t{256} << 20;
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
  result<> propose(std::size_t bytes, const std::function<void(bytes_span)>& write, on_done done);
  // The same with an entry that changes nothing: when it is applied, so is everything before it, and this member led.
  result<> barrier(on_done done);

  // A message from another member. One that makes no sense, or is for somebody else, changes nothing; the error is for
  // the log.
  result<> receive(const pb::raft_message&);
  // Messages that wait to be sent; more are refused (libraft tries again). Answers that a new leader must not look at
  // yet; more are dropped.
  static constexpr std::size_t unsent_max = 1024, held_back_max = 256;

  // ReadIndex (Raft dissertation 6.4): `done` gets the index that this leader's state had to contain when confirm() was
  // called, once it does and a majority has confirmed that it still leads. One at a time. Never from inside confirm().
  // ec::not_leader: not here. Only when committed_in_term(); else use barrier().
  using on_index = std::function<void(const result<std::uint64_t>&)>;
  result<> confirm(on_index done);
  bool confirming() const;
  bool committed_in_term() const; // only then does a leader know all that is committed

  // Changes of the group, by its leader, one at a time; done as for propose(). ec::conflict: another one is under way.
  result<> add(raft_member, on_done done); // as a spare: it neither votes nor gets the log
  // To voter, once it has caught up; ec::unavailable when it makes no progress for a minute: may be repeated.
  result<> promote(std::uint64_t member, on_done done);
  result<> demote(std::uint64_t member, on_done done);   // to spare
  result<> remove(std::uint64_t member, on_done done);   // also itself: it steps down when that is committed
  result<> transfer(std::uint64_t member, on_done done); // leadership; 0: to any voter. An error when it did not work

  // A state that came from the leader. First prepare_install(), which makes the way back onto the disk, then the owner
  // replaces the state, then install(), which makes the log follow. A crash in between is finished by open(), from
  // what the state says it holds. abandon_install() when the copy did not come; the leader will ask again.
  result<> prepare_install(const pb::raft_manifest&);
  result<> install(const pb::raft_manifest&);
  void abandon_install();
  void fail_install(error); // the owner may or may not have replaced the state: the next start finds out
  // The snapshot that the state is a copy of, when they are at the same entry.
  const pb::raft_manifest* manifest() const;

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
  bool alone() const; // the only voter: nobody else can lead
  std::size_t voters() const;
  std::vector<pb::raft_manifest::server> members() const;
  std::string state_name() const; // leader, follower, candidate, unavailable
  std::string leader_address() const;
  std::uint64_t leader_id() const; // 0: not known
  // It has lost what it voted for and acknowledged (a new disk): it does not vote and does not campaign until it has
  // applied all that a leader told it to be committed after this start, up to an entry of that leader's term. Survives a
  // restart.
  bool recovering() const;
  std::uint64_t term() const;
  std::uint64_t last_index() const;
  std::uint64_t commit_index() const;
  std::uint64_t applied_index() const;
  std::uint64_t snapshot_index() const;
  std::uint64_t held_bytes() const; // of entries, on disk and in memory, that no snapshot has replaced yet
  std::vector<log_segment_info> log_segments() const;

private:
  struct impl;
  explicit raft_host(std::unique_ptr<impl>);
  std::unique_ptr<impl> impl_;
};

} // namespace troupe
