// snapshot_schedule: when the next regular snapshot of one volume is due, and which are too many. Pure: it is told what is
// there and what time it is. What is there lies on the volume, so a new primary goes on where the last one stopped.
#pragma once

#include "base/environment.hpp"
#include "base/monotonic_clock.hpp"
#include "volume_orders.pb.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

struct snapshot_schedule_options {
  std::chrono::milliseconds interval{0};   // 0: there are no regular snapshots
  std::uint32_t keep = 7;                  // of the regular ones; others are never removed
  std::chrono::milliseconds retry{60'000}; // after a failure, unless the interval is shorter
};

class snapshot_schedule {
public:
  explicit snapshot_schedule(snapshot_schedule_options o) : options_(o) {}

  // "auto-20261121-150325-017", in UTC: in the order of time.
  static std::string name_of(unix_ms);
  static bool is_regular(std::string_view name);

  bool on() const { return options_.interval.count() > 0; }
  // Whether it is worth to look what is there.
  bool may_be_due(monotonic_time now) const { return on() && (!next_ || now >= *next_); }
  // `there`: oldest first. When not, it may be due again once the rest of the interval is over.
  bool due(const std::vector<pb::snapshot_line>& there, unix_ms wall, monotonic_time now);
  void tried(bool made, monotonic_time now);
  // The names of the oldest regular ones over `keep`.
  std::vector<std::string> too_many(const std::vector<pb::snapshot_line>& there) const;

private:
  snapshot_schedule_options options_;
  std::optional<monotonic_time> next_; // nothing: look at once
};

} // namespace troupe
