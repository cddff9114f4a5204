// dev: `troupe dev`, a whole cluster in one process for one machine. Only the entry; dev.cpp says what is started.
#pragma once

#include "cli/service.hpp"
#include "roles/front_addresses.hpp"

#include <string>

namespace troupe::cli {

struct dev_options {
  std::string data = "./data";            // made when absent; holds one folder a node and the credentials file
  std::string s3 = "127.0.0.1:9000";      // HOST:PORT of the S3 endpoint
  std::string console = "127.0.0.1:9001"; // HOST:PORT of the web console
  std::array<std::string, front_kinds.size()> fronts; // HOST:PORT of each; empty: switched off
  bool all_fronts = false;                            // those too, on their ports by custom
  unsigned nodes = 5;
  log_options log;
};

// Serves until SIGINT or SIGTERM. Returns the process's exit code: 0, or 1 with a message already on stderr.
int run_dev(const dev_options&);

} // namespace troupe::cli
