#include "core/batch_pacing.hpp"

#include <algorithm>

namespace troupe {
namespace {

constexpr double smoothing = 1.0 / 16; // of the newest sync
// Two halves need two syncs: below the first share there is room for both, above the second they would queue up.
constexpr double room = 0.5, full = 0.9;
constexpr std::size_t together_min = 8; // fewer are not worth a sync of their own

double us(batch_pacing::time_point::duration d) {
  return std::chrono::duration<double, std::micro>(std::max(d, batch_pacing::time_point::duration::zero())).count();
}

} // namespace

void batch_pacing::sync_started(time_point now) {
  if (any_) resting_us_ += smoothing * (us(now - ended_) - resting_us_);
  started_ = now;
}

void batch_pacing::sync_ended(time_point now) {
  auto took = us(now - started_);
  running_us_ = any_ ? running_us_ + smoothing * (took - running_us_) : took;
  any_ = true;
  ended_ = now;
  if (busy() < room) halves_ = true;
  if (busy() > full) halves_ = false;
}

double batch_pacing::busy() const {
  auto all = running_us_ + resting_us_;
  return all > 0 ? running_us_ / all : 1;
}

std::size_t batch_pacing::take(std::size_t waiting, std::size_t in_flight) const {
  if (!halves_) return waiting;
  return std::min(waiting, std::max(together_min, (waiting + in_flight + 1) / 2));
}

} // namespace troupe
