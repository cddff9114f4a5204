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

pb::extent extent_of(const data_id& id, const stripe_layout& layout, const write_plan::outcome& written) {
  pb::extent extent;
  extent.set_data_id(id.to_bytes());
  extent.set_size(layout.size());
  auto g = layout.geometry();
  extent.mutable_geometry()->set_k(g.k);
  extent.mutable_geometry()->set_m(g.m);
  extent.mutable_geometry()->set_piece_bytes(g.piece_bytes);
  for (auto& run : written.placements) {
    auto& p = *extent.add_placements();
    p.set_first_stripe(run.first_stripe);
    for (auto& node : run.nodes) p.add_nodes(node.name);
  }
  return extent;
}

pb::repair_record repair_of(const pb::extent& extent, const write_plan::outcome& written) {
  pb::repair_record repair;
  if (written.missing.empty()) return repair;
  *repair.mutable_extent() = extent;
  for (auto& gap : written.missing) {
    auto& m = *repair.add_missing();
    m.set_stripe(gap.stripe);
    m.set_piece(gap.piece);
    m.set_node(gap.node.name);
  }
  return repair;
}

} // namespace troupe
