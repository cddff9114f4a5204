#include "cli/service.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdio>

namespace troupe::cli {
namespace {

sigset_t stop_signals() {
  sigset_t s;
  sigemptyset(&s);
  sigaddset(&s, SIGINT);
  sigaddset(&s, SIGTERM);
  return s;
}

// Logs go to standard error; standard output is for what a person or a script reads.
void log_to_stderr() {
  spdlog::set_default_logger(spdlog::stderr_color_mt("troupe"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %^%l%$ %v", spdlog::pattern_time_type::utc);
}

// Connections are file descriptors.
void raise_descriptor_limit() {
  rlimit r{};
  if (::getrlimit(RLIMIT_NOFILE, &r) != 0) return;
  r.rlim_cur = r.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &r);
}

} // namespace

int complain(const error& e, int exit_code) {
  std::fprintf(stderr, "troupe: %s\n", e.message.c_str());
  return exit_code;
}

service_signals::service_signals() {
  log_to_stderr();
  raise_descriptor_limit();
  std::signal(SIGPIPE, SIG_IGN);
  // Blocked before any thread starts, so that all of them leave these signals to sigwait().
  auto signals = stop_signals();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

void service_signals::wait() {
  auto signals = stop_signals();
  int signal = 0;
  ::sigwait(&signals, &signal);
  spdlog::info("{}: finishing requests in flight", signal == SIGINT ? "interrupted" : "asked to stop");
  ::pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

} // namespace troupe::cli
