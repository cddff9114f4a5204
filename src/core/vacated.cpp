#include "core/vacated.hpp"

#include "core/extent_codec.hpp"
#include "core/stripe_rebuild.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace troupe {
namespace {

result<std::pair<extent_map, extent_map>> both(const pb::extent& was, const pb::extent& is) {
  auto before = map_of(was), after = map_of(is);
  if (!before) return before.error();
  if (!after) return after.error();
  auto& a = before->layout();
  auto& b = after->layout();
  if (before->id() != after->id() || a.size() != b.size() || !(a.geometry() == b.geometry()))
    return fail(ec::bad_argument, "two placements of one content have its data id, size and geometry");
  return std::pair{std::move(*before), std::move(*after)};
}

// Where a run of either begins, and the end.
std::vector<std::uint64_t> borders(const extent_map& was, const extent_map& is) {
  std::vector<std::uint64_t> at{was.layout().stripes()};
  for (auto* map : {&was, &is})
    for (auto& run : map->runs())
      if (run.first < run.end) at.push_back(run.first);
  std::sort(at.begin(), at.end());
  at.erase(std::unique(at.begin(), at.end()), at.end());
  return at;
}

} // namespace

result<vacated> vacated_by(const pb::extent& was, const pb::extent& is) {
  auto maps = both(was, is);
  if (!maps) return maps.error();
  auto& [before, after] = *maps;
  auto g = before.layout().geometry();
  std::map<node_id, std::uint64_t> left;
  auto at = borders(before, after);
  for (std::size_t i = 0; i + 1 < at.size(); ++i)
    for (std::uint32_t piece = 0; piece < g.k + g.m; ++piece) {
      auto& node = before.nodes_of(at[i])[piece];
      if (node != after.nodes_of(at[i])[piece]) left[node] += stored_bytes(before.layout(), at[i], at[i + 1], piece);
    }
  vacated out;
  auto still = after.all_nodes();
  for (auto& [node, bytes] : left) {
    bool named = std::binary_search(still.begin(), still.end(), node);
    if (!named) out.removable.push_back({node, bytes});
    if (named && bytes != 0) out.kept.push_back({node, bytes});
  }
  return out;
}

result<std::optional<pb::repair_record>> repair_after(const pb::repair_record& row, const pb::extent& is) {
  auto maps = both(row.extent(), is);
  if (!maps) return maps.error();
  auto& after = maps->second;
  auto pieces = after.layout().geometry().k + after.layout().geometry().m;
  pb::repair_record out;
  *out.mutable_extent() = is;
  for (const auto& m : row.missing()) {
    if (m.stripe() >= after.layout().stripes() || m.piece() >= pieces)
      return fail(ec::corrupt, "a repair record names a piece that its extent does not have");
    if (after.nodes_of(m.stripe())[m.piece()].name == m.node()) *out.add_missing() = m;
  }
  if (out.missing_size() == 0) return std::optional<pb::repair_record>{};
  return std::optional{std::move(out)};
}

} // namespace troupe
