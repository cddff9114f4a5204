// lease_guard: whether this process may write to a volume now, and with which fencing token. Set by who holds the lease
// (the failover elector), asked by every writer: before a write and again between its fsync and its acknowledgement.
// Thread safe.
#pragma once

#include "base/monotonic_clock.hpp"

#include <cstdint>
#include <mutex>

namespace troupe {

class lease_guard {
public:
  explicit lease_guard(const monotonic_clock& clock) : clock_(clock) {}

  static constexpr monotonic_time for_ever = monotonic_time::max();

  // From now on `token`'s holder may write until `until` (the lease's end less a margin).
  void hold(std::uint64_t token, monotonic_time until) {
    std::lock_guard guard{mutex_};
    token_ = token;
    until_ = until;
  }
  void lose() { hold(0, monotonic_time{0}); }
  // 0: nobody here.
  std::uint64_t token() const {
    std::lock_guard guard{mutex_};
    return clock_.now() < until_ ? token_ : 0;
  }
  bool holds(std::uint64_t token) const { return token != 0 && this->token() == token; }

private:
  const monotonic_clock& clock_;
  mutable std::mutex mutex_;
  std::uint64_t token_ = 0;
  monotonic_time until_{0};
};

} // namespace troupe
