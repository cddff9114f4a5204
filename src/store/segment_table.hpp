// segment_table: which segments a log has, how far each goes, and their open files. This is the part of a log that
// readers on other threads share with its owner. Thread safe; never holds its lock during I/O.
#pragma once

#include "store/disk.hpp"
#include "store/log.hpp"

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

// The number in a closed segment's file name; nothing for other names.
std::optional<std::uint64_t> segment_number(std::string_view file_name);

struct segment_view {
  std::shared_ptr<disk_file> file; // works on, also when the segment is removed meanwhile
  std::uint64_t end = 0;           // no record lies behind it
};

class segment_table {
public:
  segment_table(disk& d, std::string closed_directory) : disk_(d), directory_(std::move(closed_directory)) {}

  std::string closed_path(std::uint64_t number) const;

  // ec::not_found when there is no such segment (any more).
  result<segment_view> open(std::uint64_t number);
  std::optional<std::uint64_t> end_of(std::uint64_t number) const;
  std::vector<log_segment_info> list() const;

  void add_closed(std::uint64_t number, std::uint64_t end);
  void set_active(std::uint64_t number, std::shared_ptr<disk_file> file, std::uint64_t end);
  void set_end(std::uint64_t end); // of the active one
  void close_active(std::uint64_t end);
  void remove(std::uint64_t number);

private:
  // Closed segments' files are opened when read, and the longest unused one is closed.
  static constexpr std::size_t open_files_max = 64;

  struct segment {
    std::uint64_t end = 0;
    std::shared_ptr<disk_file> file; // the active one's always
    std::list<std::uint64_t>::iterator use{};
    bool cached = false;
  };

  void cache(std::uint64_t number, segment&, std::shared_ptr<disk_file>); // lock held
  void uncache(segment&);

  disk& disk_;
  std::string directory_;
  mutable std::mutex mutex_;
  std::map<std::uint64_t, segment> segments_;
  std::list<std::uint64_t> used_; // the latest first
  std::uint64_t active_ = 0;      // none: 0
};

} // namespace troupe
