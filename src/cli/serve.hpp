// serve: `troupe serve`, one node of a cluster. Only the entry; roles/node_process says what is started.
#pragma once

#include "cli/cluster_flags.hpp"

namespace troupe::cli {

// Serves until SIGINT or SIGTERM; SIGHUP changes nothing. Returns the process's exit code: 0, 1 with a message already on
// stderr, or 2 when the configuration is wrong.
int run_serve(const cluster_flags&);

} // namespace troupe::cli
