// kv_shard: one shard that this process may write: its log, its index, group commit. A batch is acknowledged when it was
// fsynced while the lease lasted; only then can it be read. Records are never rewritten: what is overwritten still counts
// against the shard's size. Thread safe.
#pragma once

#include "store/log.hpp"
#include "volumes/kv_view.hpp"
#include "volumes/lease_guard.hpp"

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>

namespace troupe {

class disk;

struct kv_shard_options {
  std::string directory;   // of the log
  std::uint64_t token = 0; // goes into every record
  const lease_guard* lease = nullptr;
  kv_limits limits;
  entropy* random = nullptr;
};

class kv_shard final : public kv_view {
public:
  // Replays the log. The disk and the lease must outlive it.
  static result<std::unique_ptr<kv_shard>> open(disk&, kv_shard_options);

  // All of the batch, or nothing. ec::too_large, ec::bad_argument: as check_batch(); ec::no_space: the shard or the disk is
  // full; ec::unavailable: the lease ended before the write; ec::timeout: it ended meanwhile, whether the batch was written
  // is not known; ec::closed: an earlier write failed.
  result<> put(const pb::kv_batch&);
  // Waits for the writes under way, refuses later ones (ec::precondition_failed); everything that was acknowledged is in
  // closed segments when this returns.
  result<> make_read_only();
  // Closes the active segment, so that all that was acknowledged is in files that nobody changes.
  result<> rotate();
  // A write failed or its outcome is not known: open the shard again.
  bool broken() const;

private:
  explicit kv_shard(kv_shard_options o) : options_(std::move(o)) {}
  result<std::pair<log_record, chunk>> read(log_position at) const override { return log_->read(at); }
  std::uint64_t log_bytes() const override { return bytes_; }
  result<> has_room(const pb::kv_batch&, std::size_t bytes) const;
  result<> rotate(std::unique_lock<std::mutex>&);
  void commit_turn(std::unique_lock<std::mutex>&);

  struct pending {
    log_position at;
    pb::kv_batch batch;
  };

  kv_shard_options options_;
  std::unique_ptr<log> log_;
  mutable std::mutex mutex_; // of what is below, and of all of log_ but read()
  std::condition_variable turned_;
  std::deque<pending> waiting_; // appended, not yet known durable
  log_position durable_;
  bool syncing_ = false;
  std::optional<error> failed_;
  bool read_only_ = false;
  std::uint64_t bytes_ = 0;
  std::uint64_t memory_ahead_ = 0; // of waiting_
};

} // namespace troupe
