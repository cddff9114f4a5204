// transfer: what uploads and downloads share: a few threads with a client each that take parts until none is left,
// and stop together when one fails or the user interrupts.
#pragma once

#include "cli/progress.hpp"
#include "cli/s3_client.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>

namespace troupe::cli {

struct transfer {
  connection where;
  std::stop_token stop;
  progress& shown;
  unsigned parallel = 4;
  std::uint64_t part_bytes = 0; // 0: chosen by size
};

// Hooks of a client that counts sent bytes as progress, and of one that does not (a download counts what it wrote).
s3_client::hooks counting_hooks(const transfer&, std::stop_token);
s3_client::hooks silent_hooks(const transfer&, std::stop_token);

// Runs `work` in `threads` threads with a client each. `work` loops over its parts until there is none or `stop` is
// requested, which happens when another returned an error. The first real error is returned.
result<> run_together(const transfer&, unsigned threads, bool count_sent,
  const std::function<result<>(s3_client&, const std::stop_token& stop)>& work);

} // namespace troupe::cli
