#include "core/placement.hpp"

#include <algorithm>

namespace troupe {

std::vector<node_id> candidates(const ring& r, const data_id& id, std::size_t n) {
  return r.clockwise(ring::position_of(id.raw), n);
}

stripe_geometry default_geometry(node_counts nodes, std::uint64_t size, const redundancy& how) {
  if (nodes.alive >= how.data + how.parity && size > small_content_bytes)
    return {.k = how.data, .m = how.parity, .piece_bytes = how.piece_bytes};
  auto copies = static_cast<std::uint32_t>(std::clamp<std::size_t>(nodes.known, 1, how.copies));
  return {.k = 1, .m = copies - 1, .piece_bytes = how.piece_bytes};
}

stripe_geometry geometry_of(const content_class& wanted, node_counts nodes, std::uint64_t size, const redundancy& how) {
  if (wanted.by_size()) return default_geometry(nodes, size, how);
  return {.k = wanted.k, .m = wanted.m, .piece_bytes = how.piece_bytes};
}

void placement_runs::add(std::uint64_t stripe, const std::vector<node_id>& nodes) {
  if (runs_.empty() || runs_.back().nodes != nodes) runs_.push_back({stripe, nodes});
}

} // namespace troupe
