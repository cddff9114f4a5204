// log_tail: reads a log that another process appends to, without changing a byte of it. A record that is not whole yet is
// left for the next poll. The owner may remove closed segments meanwhile (compaction): those that were there when the tail
// began are held open until they were read; one that is removed later, before it was read, ends the tail: what it had may
// matter for what was read before. Whoever renames or removes the directory ends it, too: open another. read() is thread safe.
#pragma once

#include "store/log.hpp"

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

class disk;
class disk_file;

class log_tail {
public:
  log_tail(disk& files, std::string directory) : disk_(files), directory_(std::move(directory)) {}

  // Every record after those of the last poll, in order. ec::corrupt: damage in the middle. ec::not_found or
  // ec::io_error: the files moved meanwhile. The tail is of no use after an error.
  result<> poll(const log::on_entry&);
  // As log::read(); opens the file each time. ec::not_found when its segment is gone.
  result<std::pair<log_record, chunk>> read(log_position) const;
  std::uint64_t bytes() const { return bytes_; } // of all segments that are there, as of the last poll

private:
  struct part {
    std::uint64_t number = 0;
    std::shared_ptr<disk_file> file;
  };
  struct step;
  std::string active_path() const { return directory_ + "/wal.active"; }
  std::string closed_path(std::uint64_t number) const;
  result<std::vector<std::uint64_t>> closed_segments() const;
  result<std::uint64_t> active_number() const;
  result<> begin();
  error gone() const;
  result<step> read_part(const part&, const std::string& path, bool closed, const log::on_entry&);
  void count_bytes(const std::vector<std::uint64_t>& closed);

  disk& disk_;
  std::string directory_;
  bool begun_ = false;
  std::deque<part> listed_;                     // closed segments of the beginning that were not read yet
  log_position next_;                           // behind those
  std::map<std::uint64_t, std::uint64_t> read_; // how far each segment was
  std::uint64_t bytes_ = 0;
};

} // namespace troupe
