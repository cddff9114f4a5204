// log_sync: the part of a group commit that may run on another thread. The log's owner makes one with
// log::prepare_sync(), lets somebody run() it, and hands it back to log::synced(). Copyable, cheap.
#pragma once

#include "base/error.hpp"

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

namespace troupe {

class disk_file;

struct log_position {
  std::uint64_t segment = 0; // segment numbers only grow
  std::uint64_t offset = 0;  // of a record's header in that segment
  friend auto operator<=>(const log_position&, const log_position&) = default;
};

// One per log: a sync that failed is never followed by one that claims success, as the kernel forgets the pages it
// failed to write (it reports the failure once). Thread safe.
class sync_gate {
public:
  result<> run(std::span<const std::shared_ptr<disk_file>> files);
  void close(const error& cause); // every run() fails from now on
  std::optional<error> closed() const;

private:
  mutable std::mutex mutex_; // of failed_
  std::mutex turn_;          // held during the syncs
  std::optional<error> failed_;
};

class log_sync {
public:
  log_sync() = default;
  log_sync(std::vector<std::shared_ptr<disk_file>> files, log_position end) : files_(std::move(files)), end_(end) {}
  log_sync(std::vector<std::shared_ptr<disk_file>> files, log_position end, std::shared_ptr<sync_gate> gate,
    std::uint64_t generation)
      : files_(std::move(files)), end_(end), gate_(std::move(gate)), generation_(generation) {}
  // fdatasync of every file. Any thread.
  result<> run() const;
  // Everything before it is durable once run() succeeded.
  log_position end() const { return end_; }
  std::uint64_t generation() const { return generation_; } // the log's own: which truncation it was made after

private:
  std::vector<std::shared_ptr<disk_file>> files_;
  log_position end_;
  std::shared_ptr<sync_gate> gate_;
  std::uint64_t generation_ = 0;
};

} // namespace troupe
