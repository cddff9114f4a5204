#include "core/placement.hpp"

#include <algorithm>

namespace troupe {

std::vector<node_id> candidates(const ring& r, const data_id& id, std::size_t n) {
  return r.clockwise(ring::position_of(id.raw), n);
}

stripe_geometry default_geometry(node_counts nodes, std::uint64_t size, std::uint32_t piece_bytes) {
  if (nodes.alive >= 5 && size > small_content_bytes) return {.k = 3, .m = 2, .piece_bytes = piece_bytes};
  auto copies = static_cast<std::uint32_t>(std::clamp<std::size_t>(nodes.known, 1, 3));
  return {.k = 1, .m = copies - 1, .piece_bytes = piece_bytes};
}

void placement_runs::add(std::uint64_t stripe, const std::vector<node_id>& nodes) {
  if (runs_.empty() || runs_.back().nodes != nodes) runs_.push_back({stripe, nodes});
}

} // namespace troupe
