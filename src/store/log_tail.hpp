// log_tail: reads a log that another process appends to, without changing a byte of it. A record that is not whole yet is
// left for the next poll. Whoever renames or removes the directory ends it: open another. read() is thread safe.
#pragma once

#include "store/log.hpp"

#include <string>
#include <vector>

namespace troupe {

class disk;

class log_tail {
public:
  log_tail(disk& files, std::string directory) : disk_(files), directory_(std::move(directory)) {}

  // Every record after those of the last poll, in order. ec::corrupt: damage in the middle. ec::not_found or
  // ec::io_error: the files moved meanwhile.
  result<> poll(const log::on_entry&);
  // As log::read(); opens the file each time.
  result<std::pair<log_record, chunk>> read(log_position) const;
  std::uint64_t bytes() const { return bytes_; } // of all segments, as of the last poll

private:
  std::string active_path() const { return directory_ + "/wal.active"; }
  std::string closed_path(std::uint64_t number) const;
  result<std::vector<std::uint64_t>> closed_segments() const;
  struct step;
  result<step> read_segment(const std::string& path, std::uint64_t number, bool closed, const log::on_entry&);

  disk& disk_;
  std::string directory_;
  log_position next_; // segment 0: nothing was read yet
  std::uint64_t bytes_ = 0;
  std::uint64_t closed_bytes_ = 0; // of segments that were read to their end
};

} // namespace troupe
