// protection: how many more nodes an extent can lose under the cluster map of today. What operators are told of
// ("under-protected"), and what is worth repairing first.
#pragma once

#include "base/error.hpp"
#include "core/cluster_map.hpp"
#include "troupe.pb.h"

#include <cstdint>
#include <set>
#include <utility>

namespace troupe {

struct protection {
  int losses = 0; // any so many nodes may be lost, and every stripe can be read. Negative: so many pieces too few
  int losses_wanted = 0;    // m: each piece on a node of its own
  std::uint64_t stripe = 0; // the worst one, the first of them
  bool full() const { return losses >= losses_wanted; }
};

// By the map alone: a piece counts when its node is joining, up or draining, dead in gossip or not, and also when table
// repairs notes that it is missing. ec::corrupt for an extent that makes no sense.
result<protection> protection_of(const pb::extent&, const cluster_map&);

// What nodes said when they were asked.
struct found_missing {
  std::set<std::pair<std::uint64_t, std::uint32_t>> pieces; // stripe, piece
  std::set<node_id> silent;                                 // what they hold counts as missing
};
// By what was found: only what a node says it has counts.
result<protection> protection_of(const pb::extent&, const found_missing&);

} // namespace troupe
