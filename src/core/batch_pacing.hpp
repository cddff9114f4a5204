// batch_pacing: how many of the commits that wait share the next entry of the log. While the disk is what everybody waits
// for, all of them: each sync carries as much as it can. While it is not, half of all that are on their way: the disk then
// works on one half while the processors work on the other. With all in one entry they would take turns, and a closed
// circle of clients (64 connections) would leave the processors idle for a quarter of the time (docs/PERFORMANCE.md).
// Times are the caller's; pure.
#pragma once

#include <chrono>
#include <cstddef>

namespace troupe {

class batch_pacing {
public:
  using time_point = std::chrono::steady_clock::time_point;

  void sync_started(time_point);
  void sync_ended(time_point);
  // Of `waiting` commits, beside `in_flight` that were proposed and not answered yet. At least one, when one waits.
  std::size_t take(std::size_t waiting, std::size_t in_flight) const;
  // The share of time that a sync was running, over the last few; 1 before the first.
  double busy() const;

private:
  time_point started_, ended_;
  double running_us_ = 0, resting_us_ = 0; // moving averages
  bool any_ = false;
  bool halves_ = false;
};

} // namespace troupe
