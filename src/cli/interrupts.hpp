// interrupts: SIGINT and SIGTERM as a std::stop_token, so that a transfer can abort its upload and remove its
// half-written file before the process ends. A second signal ends the process at once.
// Make one in the command's thread before any other thread starts: it blocks the signals for all of them.
#pragma once

#include <atomic>
#include <stop_token>
#include <thread>

namespace troupe::cli {

class interrupts {
public:
  interrupts();
  ~interrupts();
  interrupts(const interrupts&) = delete;
  interrupts& operator=(const interrupts&) = delete;

  std::stop_token token() const { return source_.get_token(); }
  // The signal that came, or 0. The exit code of an interrupted command is 128 + signal.
  int signal() const { return signal_; }

private:
  void watch();

  std::stop_source source_;
  std::atomic<int> signal_ = 0;
  int signals_ = -1; // signalfd
  int wake_ = -1;    // eventfd: the destructor ends the watcher
  std::thread watcher_;
};

} // namespace troupe::cli
