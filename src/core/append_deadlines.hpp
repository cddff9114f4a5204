// append_deadlines: when an append that is on its way is given up. An upload keeps these itself: a request's own timeout
// wakes the clock's thread when it is set and again when it passes, answered or not. Pure; holds no more than what was
// sent since the oldest append without an answer.
#pragma once

#include "core/write_plan.hpp"

#include <chrono>
#include <deque>
#include <optional>

namespace troupe {

class append_deadlines {
public:
  using time = std::chrono::steady_clock::time_point;

  // Deadlines must not descend.
  void sent(const write_plan& plan, const write_plan::send& what, time due) {
    next(plan); // forgets answered ones
    waiting_.push_back({what, due});
  }
  // Of the oldest append that the plan still waits for.
  std::optional<time> next(const write_plan& plan) {
    while (!waiting_.empty() && !plan.on_its_way(waiting_.front().what)) waiting_.pop_front();
    if (waiting_.empty()) return {};
    return waiting_.front().due;
  }
  // One whose time has come; it is forgotten here.
  std::optional<write_plan::send> take_late(const write_plan& plan, time now) {
    auto due = next(plan);
    if (!due || now < *due) return {};
    auto what = waiting_.front().what;
    waiting_.pop_front();
    return what;
  }

private:
  struct entry {
    write_plan::send what;
    time due;
  };
  std::deque<entry> waiting_;
};

} // namespace troupe
