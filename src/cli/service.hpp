// service: what `troupe dev` and `troupe serve` have in common as long-running processes: logs, limits, signals.
#pragma once

#include "base/error.hpp"

#include <chrono>

namespace troupe::cli {

inline constexpr std::chrono::seconds stop_grace{30}; // for requests in flight

// Prints "troupe: message" and returns the exit code.
int complain(const error&, int exit_code = 1);

class service_signals {
public:
  // Logs to standard error, as many descriptors as the hard limit allows, and SIGINT and SIGTERM kept for wait(). Before
  // any thread is started.
  service_signals();
  // Until one of the two comes; a second one ends the process at once.
  void wait();
};

} // namespace troupe::cli
