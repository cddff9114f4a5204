#include "core/extent_codec.hpp"

namespace troupe {

result<extent_map> map_of(const pb::extent& e) {
  std::vector<placement_run> runs;
  for (auto& p : e.placements()) {
    auto& run = runs.emplace_back(placement_run{p.first_stripe(), {}});
    for (auto& name : p.nodes()) run.nodes.push_back({name});
  }
  auto& g = e.geometry();
  return extent_map::make(e.data_id(), e.size(), {g.k(), g.m(), g.piece_bytes()}, std::move(runs));
}

} // namespace troupe
