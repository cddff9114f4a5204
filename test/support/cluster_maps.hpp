// cluster_maps: cluster maps for tests: node-1 .. node-n, all up, with every role, one zone each unless said otherwise.
#pragma once

#include "core/cluster_map.hpp"

#include <string>
#include <utility>
#include <vector>

namespace troupe {

inline const std::string test_cluster = "0123456789abcdef0123456789abcdef";

inline node_id nth_node(std::size_t i) { return {"node-" + std::to_string(i)}; }

inline cluster_node nth_cluster_node(std::size_t i, node_state state = node_state::up, std::string zone = {}) {
  cluster_node n;
  n.id = nth_node(i);
  n.address = "10.0.0." + std::to_string(i) + ":9101";
  n.zone = std::move(zone);
  n.state = state;
  n.roles = {.storage = true, .metadata = true, .coordinator = true};
  return n;
}

// Epoch 1.
inline cluster_map map_of_nodes(const std::vector<cluster_node>& nodes) {
  return cluster_map::empty(test_cluster).value().next(nodes).value();
}

inline cluster_map map_of_up(std::size_t n) {
  std::vector<cluster_node> nodes;
  for (std::size_t i = 1; i <= n; ++i) nodes.push_back(nth_cluster_node(i));
  return map_of_nodes(nodes);
}

// The next epoch, with one node in another state.
inline cluster_map with_state(const cluster_map& map, std::size_t i, node_state state) {
  auto n = *map.find(nth_node(i));
  n.state = state;
  return map.next({n}).value();
}

} // namespace troupe
