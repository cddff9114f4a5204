#include "cli/serve.hpp"

#include "cli/service.hpp"
#include "roles/local_process.hpp"
#include "roles/node_process.hpp"

#include <spdlog/spdlog.h>

#include <cstdio>

namespace troupe::cli {
namespace {

// One line that a script can read, with the ports that were got.
void greet(const node_process& node, const https_settings& https) {
  std::string line = "listening actor=" + node.address();
  if (auto s3 = node.s3()) line += to_word("s3", *s3, https);
  line += to_word("console", node.console(), https) + to_words(node.fronts(), https);
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

void greet(const local_process& store, const https_settings& https) {
  std::printf("listening%s%s%s\n", to_word("s3", store.s3(), https).c_str(),
    to_word("console", store.console(), https).c_str(), to_words(store.fronts(), https).c_str());
  std::fflush(stdout);
}

std::optional<error> failure_of(const node_process& node) { return node.failure(); }
std::optional<error> failure_of(const local_process&) { return std::nullopt; }

// Until somebody asks for its end, or it can not go on.
template <class Process>
int serve(service_signals& signals, const https_settings& https, result<std::unique_ptr<Process>> started) {
  if (!started) return complain(started.error());
  auto process = std::move(*started);
  greet(*process, https);
  signals.wait();
  auto cut = process->stop(stop_grace);
  if (cut != 0) spdlog::warn("{} connections were cut after {} s of grace", cut, stop_grace.count());
  const auto failed = failure_of(*process);
  process.reset();
  if (failed) return complain(*failed);
  spdlog::info("stopped");
  return 0;
}

} // namespace

int run_serve(const cluster_flags& flags) {
  auto choice = choose_cluster(flags, process_environment());
  auto config = load_cluster_config(choice.path, choice.overrides);
  if (!config) return complain(config.error(), 2);
  auto local = config->mode == cluster_mode::local;
  if (!local && !config->self)
    return complain(fail(ec::bad_argument,
                      "which node of " + choice.path + " is this process? Say it with --node ID, or TROUPE_NODE"),
      2);
  service_signals signals{flags.log, on_hangup::tell};
  if (local) return serve(signals, config->https, local_process::start(*config));
  return serve(signals, config->https, node_process::start(*config, *config->self));
}

} // namespace troupe::cli
