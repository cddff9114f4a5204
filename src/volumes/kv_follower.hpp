// kv_follower: one shard that another process writes: its log is read as it grows, never changed. Says as of when. After a
// takeover (the log has a new name then) it reads everything anew, since the tail of what it read may have been cut off; so it
// does when compaction has removed what it had not read yet. What compaction moved it finds by reading on.
// A record can be seen here a moment before its writer acknowledged it. Thread safe.
#pragma once

#include "base/monotonic_clock.hpp"
#include "store/log_tail.hpp"
#include "volumes/kv_view.hpp"

#include <memory>
#include <mutex>

namespace troupe {

class disk;

class kv_follower final : public kv_view {
public:
  // `shard_directory` holds the log's directory, log-TOKEN.
  kv_follower(disk& files, std::string shard_directory, const monotonic_clock& clock)
      : kv_view(kv_index{}), disk_(files), directory_(std::move(shard_directory)), clock_(clock) {}

  // Catches up unless it did within `age_max`; how old the view is then.
  result<monotonic_time> refresh(monotonic_time age_max);

private:
  result<std::pair<log_record, chunk>> read(log_position) const override;
  result<> renew(const error&) override;
  std::uint64_t log_bytes() const override { return tail_ ? tail_->bytes() : 0; }
  result<> catch_up();

  disk& disk_;
  std::string directory_;
  const monotonic_clock& clock_;
  std::mutex turn_; // one refresh at a time
  monotonic_time as_of_{0};
  bool current_ = false;
  std::uint64_t token_ = 0;        // in the name of the log that tail_ reads
  std::shared_ptr<log_tail> tail_; // index_mutex_
};

// The highest TOKEN of the log-TOKEN directories in it; 0: there is none.
result<std::uint64_t> newest_log(disk&, const std::string& shard_directory);
std::string log_directory(const std::string& shard_directory, std::uint64_t token);

} // namespace troupe
