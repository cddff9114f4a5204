// extents: recorded extents for tests, placed as a list of nodes or as a ring would.
#pragma once

#include "core/placement.hpp"
#include "support/cluster_maps.hpp"
#include "troupe.pb.h"

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace troupe {

inline data_id random_data_id(std::mt19937_64& random) {
  data_id id;
  for (auto& b : id.raw) b = static_cast<std::byte>(random());
  return id;
}

inline void add_placement(pb::extent& e, std::uint64_t first_stripe, const std::vector<node_id>& nodes) {
  auto& p = *e.add_placements();
  p.set_first_stripe(first_stripe);
  for (auto& n : nodes) p.add_nodes(n.name);
}

inline pb::extent unplaced_extent(const data_id& id, stripe_geometry g, std::uint64_t size) {
  pb::extent e;
  e.set_data_id(id.to_bytes());
  e.set_size(size);
  e.mutable_geometry()->set_k(g.k);
  e.mutable_geometry()->set_m(g.m);
  e.mutable_geometry()->set_piece_bytes(g.piece_bytes);
  return e;
}

inline pb::extent extent_on(
  const data_id& id, stripe_geometry g, std::uint64_t size, const std::vector<node_id>& nodes) {
  auto e = unplaced_extent(id, g, size);
  add_placement(e, 0, nodes);
  return e;
}

// Precondition: the ring has k + m places.
inline pb::extent extent_by(const ring& r, const data_id& id, stripe_geometry g, std::uint64_t size) {
  return extent_on(id, g, size, candidates(r, id, g.k + g.m));
}

inline std::vector<node_id> nodes_of_placement(const pb::extent& e, int i = 0) {
  std::vector<node_id> out;
  for (auto& n : e.placements(i).nodes()) out.push_back({n});
  return out;
}

inline std::vector<node_id> nodes_numbered(const std::vector<std::size_t>& numbers) {
  std::vector<node_id> out;
  for (auto i : numbers) out.push_back(nth_node(i));
  return out;
}

} // namespace troupe
