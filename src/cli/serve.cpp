#include "cli/serve.hpp"

#include "cli/service.hpp"
#include "roles/node_process.hpp"

#include <spdlog/spdlog.h>

#include <cstdio>

namespace troupe::cli {
namespace {

// One line that a script can read, with the ports that were got.
void greet(const node_process& node) {
  std::string line = "listening actor=" + node.address();
  if (auto s3 = node.s3()) line += " s3=" + to_string(*s3);
  if (auto console = node.console()) line += " console=" + to_string(*console);
  line += to_words(node.fronts());
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

} // namespace

int run_serve(const cluster_flags& flags) {
  auto choice = choose_cluster(flags, process_environment());
  auto config = load_cluster_config(choice.path, choice.overrides);
  if (!config) return complain(config.error(), 2);
  if (config->mode == cluster_mode::local)
    return complain(fail(ec::not_implemented,
                      "mode local is not there yet: `troupe dev` runs several nodes in one process, from a folder"),
      2);
  if (!config->self)
    return complain(fail(ec::bad_argument,
                      "which node of " + choice.path + " is this process? Say it with --node ID, or TROUPE_NODE"),
      2);
  service_signals signals{flags.log};
  auto node = node_process::start(*config, *config->self);
  if (!node) return complain(node.error());
  greet(**node);
  signals.wait();
  auto cut = (*node)->stop(stop_grace);
  if (cut != 0) spdlog::warn("{} connections were cut after {} s of grace", cut, stop_grace.count());
  node->reset();
  spdlog::info("stopped");
  return 0;
}

} // namespace troupe::cli
