// map_change: an operator's request as it travels (pb::map_change), applied to the cluster map. What each kind means, and
// what it refuses, is core/cluster_requests.hpp's; here is only what a message may get wrong.
#pragma once

#include "base/error.hpp"
#include "core/cluster_map.hpp"
#include "core/cluster_requests.hpp"
#include "troupe.pb.h"

namespace troupe {

// The next epoch's map, or the same one when it is so already. ec::bad_argument for a message that makes no sense.
result<cluster_map> with_change(const cluster_map&, const pb::map_change&, const request_terms&);

// The number of a node's metadata member in the Raft group: made of its name, so that every node knows it. Never 0.
std::uint64_t raft_id_of(const node_id&);

} // namespace troupe
