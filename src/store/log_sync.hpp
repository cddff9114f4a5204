// log_sync: the part of a group commit that may run on another thread. The log's owner makes one with
// log::prepare_sync(), lets somebody run() it, and hands it back to log::synced(). Copyable, cheap.
#pragma once

#include "base/error.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace troupe {

class disk_file;

struct log_position {
  std::uint64_t segment = 0; // segment numbers only grow
  std::uint64_t offset = 0;  // of a record's header in that segment
  friend auto operator<=>(const log_position&, const log_position&) = default;
};

class log_sync {
public:
  log_sync() = default;
  log_sync(std::vector<std::shared_ptr<disk_file>> files, log_position end) : files_(std::move(files)), end_(end) {}
  // fdatasync of every file. Any thread.
  result<> run() const;
  // Everything before it is durable once run() succeeded.
  log_position end() const { return end_; }

private:
  std::vector<std::shared_ptr<disk_file>> files_;
  log_position end_;
};

} // namespace troupe
