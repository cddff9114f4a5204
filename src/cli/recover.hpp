// recover: `troupe recover metadata`: makes a new metadata group of one member whose others are lost.
#pragma once

#include "cli/cluster_flags.hpp"

#include <cstdint>
#include <optional>

namespace troupe::cli {

struct recover_options {
  cluster_flags cluster;
  // The last entry that is kept, as the command named it: whatever comes after it may be lost. Nothing: asked at a terminal.
  std::optional<std::uint64_t> yes_lose_after;
};

int run_recover_metadata(const recover_options&);

} // namespace troupe::cli
