// service: what `troupe dev` and `troupe serve` have in common as long-running processes: logs, limits, signals.
#pragma once

#include "base/error.hpp"

#include <chrono>
#include <csignal>
#include <cstdint>
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

// What SIGHUP is to a service: that its terminal went away, or what operators send to have a configuration read anew. It is
// nothing to a process that was started with it ignored (nohup).
enum class on_hangup : std::uint8_t { stop, tell };

class service_signals {
public:
  // Logs to standard error, as many descriptors as the hard limit allows, and SIGINT, SIGTERM and SIGHUP kept for wait().
  // Before any thread is started.
  service_signals(const log_options&, on_hangup);
  // Until one comes that asks for the end; a SIGINT or SIGTERM after that ends the process at once.
  void wait();

private:
  on_hangup hangup_;
  sigset_t awaited_{};
};

} // namespace troupe::cli
