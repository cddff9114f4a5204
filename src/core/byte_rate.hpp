// byte_rate: a bound on bytes a second, as a value with the time as a parameter: what is taken now says how long to wait
// before it is moved. Nothing waits here. Debts are kept, so that many takers share one rate in the order they asked.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <mutex>

namespace troupe {

class byte_rate {
public:
  using duration = std::chrono::nanoseconds; // times: since any one epoch, never running backwards

  // After a pause, what `burst` allows goes at once.
  explicit byte_rate(std::uint64_t bytes_per_second, duration burst = std::chrono::milliseconds{100})
      : bytes_per_second_(std::max<std::uint64_t>(bytes_per_second, 1)), burst_(burst) {}

  // Takes the bytes. They may be moved after this long.
  duration take(std::uint64_t bytes, duration now) {
    free_ = std::max(free_, now - burst_);
    auto wait = std::max(free_ - now, duration{0});
    free_ += time_of(bytes);
    return wait;
  }
  duration time_of(std::uint64_t bytes) const {
    constexpr double in_a_second = 1e9, max = 1e18; // thirty years are as good as never
    auto ns = static_cast<double>(bytes) / static_cast<double>(bytes_per_second_) * in_a_second;
    return duration{static_cast<std::int64_t>(std::min(ns, max))};
  }
  std::uint64_t bytes_per_second() const { return bytes_per_second_; }

private:
  std::uint64_t bytes_per_second_;
  duration burst_;
  duration free_{0}; // when everything that was taken has been moved at this rate
};

// One rate for all of a process. Thread safe.
class shared_byte_rate {
public:
  explicit shared_byte_rate(byte_rate r) : rate_(r) {}
  byte_rate::duration take(std::uint64_t bytes, byte_rate::duration now) {
    std::lock_guard lock{mutex_};
    return rate_.take(bytes, now);
  }
  byte_rate::duration time_of(std::uint64_t bytes) const { return rate_.time_of(bytes); } // of what never changes
  std::uint64_t bytes_per_second() const { return rate_.bytes_per_second(); }

private:
  std::mutex mutex_;
  byte_rate rate_;
};

} // namespace troupe
