// log_limit: lets a burst of log lines through, then one a period, so that one broken disk does not fill another.
#pragma once

#include <chrono>
#include <cstdint>

namespace troupe {

class log_limit {
public:
  template <class TimePoint>
  bool allow(TimePoint now) {
    auto t = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch());
    if (t - began_ >= period) {
      began_ = t;
      lines_ = 0;
    }
    if (lines_ < burst) {
      ++lines_;
      return true;
    }
    ++suppressed_;
    return false;
  }
  std::uint64_t suppressed() const { return suppressed_; }

private:
  static constexpr std::chrono::milliseconds period{10'000};
  static constexpr std::uint32_t burst = 10;
  std::chrono::milliseconds began_{-period};
  std::uint32_t lines_ = 0;
  std::uint64_t suppressed_ = 0;
};

} // namespace troupe
