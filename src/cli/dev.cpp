#include "cli/dev.hpp"

#include "roles/development_store.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdio>

namespace troupe::cli {
namespace {

constexpr std::chrono::seconds stop_grace{30}; // for requests in flight

int complain(const error& e, int exit_code = 1) {
  std::fprintf(stderr, "troupe: %s\n", e.message.c_str());
  return exit_code;
}

// Logs go to standard error; standard output is for what a person or a script reads.
void log_to_stderr() {
  auto logger = spdlog::stderr_color_mt("troupe");
  spdlog::set_default_logger(logger);
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %^%l%$ %v", spdlog::pattern_time_type::utc);
}

// Connections are file descriptors: take what the hard limit allows.
void raise_descriptor_limit() {
  rlimit r{};
  if (::getrlimit(RLIMIT_NOFILE, &r) != 0) return;
  r.rlim_cur = r.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &r);
}

void greet(const development_store& store, const dev_options& options) {
  auto url = store.endpoint();
  const auto& keys = store.keys();
  std::printf("Troupe serves S3 on %s\n\n", url.c_str());
  std::printf("  access key  %s\n", keys.access_key.c_str());
  std::printf("  secret key  %s\n", keys.from_environment ? "(as in TROUPE_SECRET_KEY)" : keys.secret_key.c_str());
  std::printf("  data        %s\n\n", store.path().c_str());
  auto flags = std::string{options.data == dev_options{}.data ? "" : " --data " + options.data};
  std::printf("Try, in another terminal:\n\n");
  std::printf("  troupe storage mb%s photos\n", flags.c_str());
  std::printf("  troupe storage put%s cat.jpg photos/cat.jpg\n", flags.c_str());
  std::printf("  troupe storage ls%s photos\n\n", flags.c_str());
  std::printf("listening s3=%s console=%s\n", to_string(store.s3()).c_str(), to_string(store.console()).c_str());
  std::fflush(stdout);
}

} // namespace

int run_dev(const dev_options& options) {
  log_to_stderr();
  raise_descriptor_limit();
  std::signal(SIGPIPE, SIG_IGN);
  // Blocked before any thread starts, so that all of them leave these signals to sigwait() below.
  sigset_t stop_signals;
  sigemptyset(&stop_signals);
  sigaddset(&stop_signals, SIGINT);
  sigaddset(&stop_signals, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &stop_signals, nullptr);

  development_options store_options;
  store_options.path = options.data;
  store_options.nodes = options.nodes;
  auto s3 = parse_host_port(options.s3);
  if (!s3) return complain(fail(ec::bad_argument, "--s3: " + s3.error().message), 2);
  auto console = parse_host_port(options.console);
  if (!console) return complain(fail(ec::bad_argument, "--console: " + console.error().message), 2);
  store_options.s3 = *s3;
  store_options.console = *console;

  auto store = development_store::start(store_options);
  if (!store) return complain(store.error());
  greet(**store, options);

  int signal = 0;
  ::sigwait(&stop_signals, &signal);
  spdlog::info("{}: finishing requests in flight", signal == SIGINT ? "interrupted" : "asked to stop");
  ::pthread_sigmask(SIG_UNBLOCK, &stop_signals, nullptr); // a second one ends the process at once
  auto cut = (*store)->stop(stop_grace);
  if (cut != 0) spdlog::warn("{} connections were cut after {} s of grace", cut, stop_grace.count());
  store->reset();
  spdlog::info("stopped");
  return 0;
}

} // namespace troupe::cli
