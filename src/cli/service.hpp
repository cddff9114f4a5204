// service: what `troupe dev` and `troupe serve` have in common as long-running processes: logs, limits, signals.
#pragma once

#include "base/error.hpp"

#include <chrono>
#include <string>

namespace CLI {
class App;
}

namespace troupe::cli {

inline constexpr std::chrono::seconds stop_grace{30}; // for requests in flight

// Prints "troupe: message" and returns the exit code.
int complain(const error&, int exit_code = 1);

struct log_options {
  std::string format = "text"; // or json
  std::string level = "info";  // debug, info, warn, error, off
};
// --log-format and --log-level, with TROUPE_LOG_FORMAT and TROUPE_LOG_LEVEL behind them; `options` lives as long as the app.
void add_log_options(CLI::App&, log_options& options);

class service_signals {
public:
  // Logs to standard error, as many descriptors as the hard limit allows, and SIGINT and SIGTERM kept for wait(). Before
  // any thread is started.
  explicit service_signals(const log_options&);
  // Until one of the two comes; a second one ends the process at once.
  void wait();
};

} // namespace troupe::cli
