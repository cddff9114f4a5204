// wal_check: the log of files held against the files: whether its entries are whole and follow each other, and whether every
// file is what the log says it is. Looks only; wal_repair.hpp changes.
#pragma once

#include "api/files/wal_rows.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe::files {

struct difference {
  enum class kinds : std::uint8_t {
    missing,
    unknown,
    other
  }; // there is no such file; the log does not know it; another version
  std::string file;
  kinds kind = kinds::missing;
  std::optional<pb::file_log_entry> expected; // of the last version
  std::optional<std::string> row;             // the object's record as it is
};
const char* name_of(difference::kinds);

struct log_check {
  std::uint64_t segments = 0, entries = 0, base_files = 0, files = 0;
  std::vector<std::string> faults;     // of the log itself; at most file_log::reader::faults_max
  std::vector<difference> differences; // at most differences_max
  bool more = false;                   // there are more differences
  bool good() const { return faults.empty() && differences.empty(); }
  static constexpr std::size_t differences_max = 1000;
};

// Everything. Files that change meanwhile are looked at again.
http::task<log_check> check_log(log_access&);
// The active segment, and the files that its entries are about: what was written last before this process started.
http::task<log_check> check_active_segment(log_access&);

} // namespace troupe::files
