// kv_shard: one shard that this process may write: its log, its index, group commit, compaction. A batch is acknowledged when
// it was fsynced while the lease lasted; only then can it be read. A record is never changed where it is: what is overwritten
// or deleted counts against the shard's size until compaction has written what lives around it again, and removed the file.
// Thread safe.
#pragma once

#include "store/log.hpp"
#include "volumes/kv_view.hpp"
#include "volumes/lease_guard.hpp"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <set>

namespace troupe {

class disk;

struct kv_shard_options {
  std::string directory;   // of the log
  std::uint64_t token = 0; // goes into every record
  const lease_guard* lease = nullptr;
  kv_limits limits;
  entropy* random = nullptr;
};

struct kv_compaction {
  double dead_share = 0.5;                         // a closed segment with at least this of it dead is rewritten
  std::size_t step_bytes = std::size_t{512} << 10; // read at a time, and written at most; and one record more
};

struct kv_compacted {
  bool more = false;             // there is more to do at once
  std::uint64_t moved_bytes = 0; // read and written
  std::uint64_t written_bytes = 0;
  std::uint64_t segments = 0, removed_bytes = 0; // that are gone now
};

class kv_shard final : public kv_view {
public:
  // Replays the log. The disk and the lease must outlive it.
  static result<std::unique_ptr<kv_shard>> open(disk&, kv_shard_options);

  // All of the batch, or nothing; entries may be deletions, of keys that need not be there. ec::too_large, ec::bad_argument: as
  // check_batch(); ec::no_space: the shard or the disk is full; ec::unavailable: the lease ended before the write; ec::timeout:
  // it ended meanwhile, whether the batch was written is not known; ec::closed: an earlier write failed.
  result<> put(const pb::kv_batch&);
  // Waits for the writes under way, refuses later ones (ec::precondition_failed); everything that was acknowledged is in
  // closed segments when this returns.
  result<> make_read_only();
  // Closes the active segment, so that all that was acknowledged is in files that nobody changes.
  result<> rotate();
  // A step of giving space back (kv_compaction.cpp), also when it is read-only: reads some of a closed segment and writes again
  // what lives, or removes a segment of which nothing lives any more. Errors: as put(); ec::corrupt, ec::io_error: a segment
  // can not be read, and is left alone until the shard is opened again.
  result<kv_compacted> compact(const kv_compaction&);
  // No segment is removed while somebody has what this returns.
  std::shared_ptr<const void> keep_segments() const;
  // A write failed or its outcome is not known: open the shard again.
  bool broken() const;

private:
  explicit kv_shard(kv_shard_options o) : kv_view(kv_index{true}), options_(std::move(o)) {}
  result<std::pair<log_record, chunk>> read(log_position at) const override { return log_->read(at); }
  result<> renew(const error& why) override; // the index has been told before a record is gone
  std::uint64_t log_bytes() const override { return bytes_; }
  using locked = std::unique_lock<std::mutex>;
  result<> may_write() const;
  result<> has_room(const pb::kv_batch&, std::size_t bytes) const;
  bool changes_nothing(const pb::kv_batch&) const;
  // Ends when it is durable, and can be read.
  result<> write(locked&, const pb::kv_batch&, const std::string& bytes, std::uint64_t memory);
  result<> rotate(locked&);
  void commit_turn(locked&);

  // kv_compaction.cpp
  struct found;
  result<bool> choose_victim(const kv_compaction&);
  result<std::uint64_t> last_refused(locked&);
  result<found> read_victim(std::size_t bytes);
  result<std::uint64_t> write_again(found&);
  result<kv_compacted> remove_victim();
  error give_up_victim(error why);
  kv_index::segments others() const; // than the victim
  void forget_tombstones();

  struct pending {
    log_position at;
    pb::kv_batch batch;
    std::uint64_t memory = 0; // that the index will take
  };
  struct victim {
    std::uint64_t number = 0, bytes = 0;
    std::uint64_t offset = 0; // so far it was read
  };

  kv_shard_options options_;
  std::unique_ptr<log> log_;
  std::mutex compacting_; // one step at a time; before mutex_. Of victim_ and unreadable_.
  std::optional<victim> victim_;
  std::set<std::uint64_t> unreadable_;
  std::shared_ptr<const int> keeper_ = std::make_shared<const int>(0); // with more users: see keep_segments()

  mutable std::mutex mutex_; // of what is below, and of all of log_ but read() and segments()
  std::condition_variable turned_;
  std::deque<pending> waiting_; // appended, not yet known durable
  log_position durable_;
  bool syncing_ = false;
  std::optional<error> failed_;
  bool read_only_ = false;
  std::atomic<std::uint64_t> bytes_{0};
  std::uint64_t memory_ahead_ = 0; // of waiting_
};

} // namespace troupe
