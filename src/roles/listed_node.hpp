// listed_node: a node of the configuration as the cluster map would have it.
#pragma once

#include "core/cluster_map.hpp"
#include "core/map_change.hpp"
#include "roles/cluster_config.hpp"

namespace troupe {

inline cluster_node listed_node(const node_config& n) {
  cluster_node out;
  out.id = n.id;
  out.address = to_string(n.address);
  out.zone = n.zone;
  out.weight = n.weight;
  out.roles = {.storage = n.storage, .metadata = n.metadata, .coordinator = n.coordinator};
  if (n.metadata) out.raft_id = raft_id_of(n.id);
  return out;
}

} // namespace troupe
