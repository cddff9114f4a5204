#include "core/map_change.hpp"

#include "core/ring.hpp"

#include <algorithm>

namespace troupe {
namespace {

result<cluster_map> with_joining(const cluster_map& map, const pb::cluster_node& n, const request_terms& terms) {
  cluster_node node;
  node.id.name = n.id();
  node.address = n.address();
  node.zone = n.zone();
  node.weight = n.weight();
  node.roles = {.storage = n.storage(), .metadata = n.metadata(), .coordinator = n.coordinator()};
  if (node.roles.metadata) node.raft_id = raft_id_of(node.id);
  TROUPE_TRY(check(node));
  return join_node(map, std::move(node), terms);
}

} // namespace

std::uint64_t raft_id_of(const node_id& node) {
  return std::max<std::uint64_t>(ring::position_of(as_bytes(node.name)), 1);
}

result<cluster_map> with_change(const cluster_map& map, const pb::map_change& change, const request_terms& terms) {
  node_id node{change.node()};
  switch (change.kind()) {
  case pb::map_change::drain: return drain_node(map, node, terms);
  case pb::map_change::undrain: return undrain_node(map, node, terms);
  case pb::map_change::remove: return remove_node(map, node, change.force() ? removal::force : removal::safe, terms);
  case pb::map_change::weight: return set_weight(map, node, change.weight_wanted(), terms);
  case pb::map_change::join: return with_joining(map, change.joining(), terms);
  default: return fail(ec::bad_argument, "an unknown change of the cluster map");
  }
}

} // namespace troupe
