// separated_base: a state_base that keeps larger values in a log of their own, next to the rows (key-value separation:
// WiscKey, FAST 2016, section 3). A value is then written once and past the page cache, and the tree of rows stays
// small. The log is written and synced before the rows that point into it. A segment whose values are mostly not needed
// any more is read through, a part with each write; what is needed of it is appended again, and it is removed when no
// cursor can look at it.
// Every value read is checked: ec::corrupt when it is not what was written. A segment that can not be read through is
// kept, and so is a value that is not needed beside those of it that are.
#pragma once

#include "store/disk.hpp"
#include "store/state.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace troupe {

class entropy;

struct separation_options {
  std::shared_ptr<disk> files;
  std::string directory = "values"; // of the log, on that disk
  std::size_t value_bytes_min = 1024;
  std::size_t value_bytes_max = std::size_t{8} << 20; // larger ones stay in their rows
  std::uint64_t segment_bytes = std::uint64_t{64} << 20;
  double waste_max = 0.5;                                // of a segment; then it is compacted
  std::uint64_t scan_bytes_min = std::uint64_t{8} << 20; // of such a segment, with each write; or twice what is written
  entropy* random = nullptr;                             // nothing: the system's
  // An empty base that goes when it is dropped, for copies: they are those of a base that separates nothing.
  std::function<result<std::shared_ptr<state_base>>()> scratch;
};

// ec::corrupt: the log of values has lost something that rows point to.
result<std::shared_ptr<state_base>> separate_values(std::shared_ptr<state_base> rows, separation_options);

// Over LMDB, all in one directory. What it has in its rows from before stays there until it is written again.
result<std::shared_ptr<state_base>> open_separated_base(const lmdb_options&);

} // namespace troupe
