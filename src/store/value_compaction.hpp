// value_compaction: which segment of a log of values is read through to be removed, and how far that has come. A part
// with each write of the rows; what a failed write read is read again. Private to the store.
#pragma once

#include "store/disk.hpp"
#include "store/log.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace troupe {

class value_compaction {
public:
  struct source {
    disk& files;
    std::string directory;                              // the log's
    std::vector<log_segment_info> segments;             // the log's; the last one is not touched
    const std::map<std::uint64_t, std::uint64_t>& live; // bytes by segment; those without any are not read
    double waste_max = 0.5;
  };
  // Shows up to `bytes` of records (and one more), in order. An error of `visit` ends it and is returned; a segment that
  // can not be read is left alone from then on.
  result<> step(const source&, std::uint64_t bytes, const log::on_entry& visit);
  // The write that the step was part of is durable. A segment of which something lives after it was seen to its end is
  // left alone.
  void commit();
  void undo(); // it failed: the next step begins where the last one did

private:
  struct progress {
    std::uint64_t segment = 0; // none: 0
    std::uint64_t offset = 0;
  };
  std::optional<std::uint64_t> most_wasteful(const source&) const;

  progress durable_, now_;
  std::set<std::uint64_t> left_alone_;
};

} // namespace troupe
