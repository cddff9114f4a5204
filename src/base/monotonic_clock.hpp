// monotonic_clock: time as a parameter, for durations: never set back, and it goes on while the process or the machine is
// stopped. Leases are measured with it. Only main, roles and tests make one.
#pragma once

#include <chrono>

namespace troupe {

// Since some moment that is the same for the life of the process; means nothing elsewhere.
using monotonic_time = std::chrono::nanoseconds;

class monotonic_clock {
public:
  virtual ~monotonic_clock() = default;
  virtual monotonic_time now() const = 0;
};

// The real one (CLOCK_BOOTTIME); stateless, safe from any thread.
monotonic_clock& system_monotonic_clock();

} // namespace troupe
