// latency_estimate: a running p95 of how long pieces take to come, which is when a hedge is worth its cost.
// Frugal streaming (Ma, Muthukrishnan, Sandler 2013): the estimate goes up by 19 steps for a slower sample and down
// by one for a faster one, so it settles where 5 % are slower. Constant memory; follows a change within ~100 samples.
#pragma once

#include <algorithm>
#include <chrono>

namespace troupe {

class latency_estimate {
public:
  using duration = std::chrono::microseconds;
  struct bounds {
    duration first{300'000}; // until samples say otherwise
    duration least{10'000};  // a disk that is busy for a moment must not get twice the reads
    duration most{2'000'000};
  };

  latency_estimate() = default;
  explicit latency_estimate(bounds b) : bounds_(b), p95_(b.first) {}

  void sample(duration took) {
    auto step = std::max(duration{1}, p95_ / 200);
    p95_ = std::clamp(took > p95_ ? p95_ + 19 * step : p95_ - step, bounds_.least, bounds_.most);
  }
  duration p95() const { return p95_; }

private:
  bounds bounds_;
  duration p95_ = bounds_.first;
};

} // namespace troupe
