#include "core/extent_map.hpp"

#include <algorithm>

namespace troupe {

result<extent_map> extent_map::make(
  std::string_view data_id_bytes, std::uint64_t size, stripe_geometry g, std::vector<placement_run> runs) {
  if (data_id_bytes.size() != data_id{}.raw.size()) return fail(ec::corrupt, "extent: a data id has 16 bytes");
  if (auto ok = check(g); !ok) return fail(ec::corrupt, "extent: " + ok.error().message);
  if (size != 0 && (runs.empty() || runs.front().first_stripe != 0))
    return fail(ec::corrupt, "extent: no nodes for stripe 0");
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (runs[i].nodes.size() != g.k + g.m) return fail(ec::corrupt, "extent: a placement without k + m nodes");
    if (i != 0 && runs[i].first_stripe <= runs[i - 1].first_stripe)
      return fail(ec::corrupt, "extent: placements that do not ascend");
  }
  return extent_map{data_id::from_bytes(data_id_bytes), stripe_layout{g, size}, std::move(runs)};
}

const std::vector<node_id>& extent_map::nodes_of(std::uint64_t stripe) const {
  auto after = [](std::uint64_t s, const placement_run& r) { return s < r.first_stripe; };
  return std::prev(std::upper_bound(runs_.begin(), runs_.end(), stripe, after))->nodes;
}

std::vector<stripe_run> extent_map::runs() const {
  std::vector<stripe_run> out;
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    auto end = i + 1 < runs_.size() ? runs_[i + 1].first_stripe : layout_.stripes();
    out.push_back({runs_[i].first_stripe, std::min(end, layout_.stripes()), runs_[i].nodes});
  }
  return out;
}

std::vector<node_id> extent_map::all_nodes() const {
  std::vector<node_id> out;
  for (auto& run : runs_) out.insert(out.end(), run.nodes.begin(), run.nodes.end());
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::uint32_t extent_map::empty_pieces(std::uint64_t stripe) const {
  std::uint32_t bits = 0;
  for (std::uint32_t i = 0; i < layout_.geometry().k; ++i)
    if (layout_.data_bytes(stripe, i) == 0) bits |= std::uint32_t{1} << i;
  return bits;
}

} // namespace troupe
