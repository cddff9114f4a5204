#include "cli/service.hpp"

#include "net/log_format.hpp"

#include <CLI/CLI.hpp>
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

// Who started this process (nohup) does not want it to hear of a hangup. A blocked signal comes to sigwait() even so.
bool hangup_is_ignored() {
  struct sigaction now {};
  return ::sigaction(SIGHUP, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

const char* reason_to_stop(int signal) {
  if (signal == SIGINT) return "interrupted";
  return signal == SIGHUP ? "hung up" : "asked to stop";
}

// Logs go to standard error; standard output is for what a person or a script reads.
void log_to_stderr(const log_options& o) {
  spdlog::set_default_logger(spdlog::stderr_color_mt("troupe"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %^%l%$ %v", spdlog::pattern_time_type::utc);
  if (o.format == "json") spdlog::set_formatter(json_log_formatter());
  spdlog::set_level(parse_log_level(o.level).value_or(spdlog::level::info)); // checked when it was parsed
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

void add_log_options(CLI::App& app, log_options& options) {
  app.add_option("--log-format", options.format, "text or json")
    ->envname("TROUPE_LOG_FORMAT")
    ->check(CLI::IsMember({"text", "json"}))
    ->capture_default_str()
    ->type_name("FORMAT");
  app.add_option("--log-level", options.level, "debug, info, warn, error or off; `troupe admin log` sets it later")
    ->envname("TROUPE_LOG_LEVEL")
    ->check(CLI::IsMember({"debug", "info", "warn", "error", "off"}))
    ->capture_default_str()
    ->type_name("LEVEL");
}

service_signals::service_signals(const log_options& log, on_hangup hangup) : hangup_(hangup) {
  log_to_stderr(log);
  raise_descriptor_limit();
  std::signal(SIGPIPE, SIG_IGN);
  // Blocked before any thread starts, so that all of them leave these signals to sigwait().
  awaited_ = stop_signals();
  if (!hangup_is_ignored()) sigaddset(&awaited_, SIGHUP);
  ::pthread_sigmask(SIG_BLOCK, &awaited_, nullptr);
}

void service_signals::wait() {
  int signal = 0;
  while (::sigwait(&awaited_, &signal) == 0 && signal == SIGHUP && hangup_ == on_hangup::tell)
    spdlog::info("hangup: nothing to reload: certificates are read by themselves, other keys need a restart");
  spdlog::info("{}: finishing requests in flight", reason_to_stop(signal));
  auto impatient = stop_signals(); // no hangup: a terminal that goes away may send several
  ::pthread_sigmask(SIG_UNBLOCK, &impatient, nullptr);
}

} // namespace troupe::cli
