// cluster_requests: what an operator asks of the cluster map (`troupe admin node ...`), as pure functions. Each returns the
// next epoch's map; or the same map, same epoch, when it is so already: a request that is repeated does no harm.
// Errors: ec::not_found for an unknown name, ec::conflict for what the node's state does not allow (a gone name: for
// good), ec::precondition_failed when too few nodes would be left, ec::bad_argument for a value out of bounds.
#pragma once

#include "base/environment.hpp"
#include "base/error.hpp"
#include "base/ids.hpp"
#include "core/cluster_map.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>

namespace troupe {

struct request_terms {
  // How many nodes must take data: the pieces of a stripe of the widest geometry that is written or stored.
  std::size_t places_needed = 1;
  // Raft ids of the metadata group; nothing: not known, and every node that could be one is taken for a member.
  std::optional<std::set<std::uint64_t>> members;
  unix_ms now_ms = 0;
};

// The node takes no new data, and what it holds moves away; then membership calls it gone. A node that is down may be
// drained: it will not come back. ec::precondition_failed when its pieces would have nowhere to go.
result<cluster_map> drain_node(const cluster_map&, const node_id&, const request_terms&);
// Back to up; what has moved away comes back by rebalancing only.
result<cluster_map> undrain_node(const cluster_map&, const node_id&, const request_terms&);

enum class removal : std::uint8_t {
  safe,  // only a node that holds no data (joining, or without the storage role) and is no metadata member
  force, // now: what it holds is lost with it, and made anew from what the others hold, where that suffices
};
// Final: the name is never used again. Even by force not the last node that takes data.
result<cluster_map> remove_node(const cluster_map&, const node_id&, removal, const request_terms&);

// In place of what the node announced, until it announces another weight. 0: takes no new data.
result<cluster_map> set_weight(const cluster_map&, const node_id&, std::uint32_t weight, const request_terms&);

// A node that has not announced itself yet; it is up once it is alive. What it then announces (its weight, too) counts.
// Its state and since_ms here do not matter.
result<cluster_map> join_node(const cluster_map&, cluster_node, const request_terms&);

} // namespace troupe
