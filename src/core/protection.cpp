#include "core/protection.hpp"

#include "core/extent_codec.hpp"

#include <algorithm>
#include <map>

namespace troupe {
namespace {

// `pieces`: how many each node has. The worst loss takes the nodes with the most pieces first.
int losses_until(int k, int readable, std::vector<int> pieces) {
  if (readable < k) return readable - k;
  std::sort(pieces.rbegin(), pieces.rend());
  int losses = 0;
  for (int n : pieces) {
    readable -= n;
    if (readable < k) break;
    ++losses;
  }
  return losses;
}

// How many nodes one stripe can lose. `held(piece)`: whether its node has it.
template <class Held>
int losses_of(const stripe_geometry& g, const stripe_run& run, std::uint32_t empty, Held&& held) {
  std::map<node_id, int> holders;
  int readable = 0;
  for (std::uint32_t piece = 0; piece < g.k + g.m; ++piece) {
    bool is_empty = (empty >> piece & 1) != 0;
    if (is_empty) ++readable; // known zeros: no node can lose them
    if (is_empty || !held(piece)) continue;
    ++readable;
    ++holders[run.nodes[piece]];
  }
  std::vector<int> pieces;
  for (auto& [node, n] : holders) pieces.push_back(n);
  return std::min(static_cast<int>(g.m), losses_until(static_cast<int>(g.k), readable, std::move(pieces)));
}

// `stripes_of(run)`: those that may be a run's worst. `held(run, stripe, piece)`.
template <class Stripes, class Held>
result<protection> worst_of(const pb::extent& extent, Stripes&& stripes_of, Held&& held) {
  auto map = map_of(extent);
  if (!map) return map.error();
  auto g = map->layout().geometry();
  auto m = static_cast<int>(g.m);
  protection worst{.losses = m, .losses_wanted = m, .stripe = 0};
  for (const auto& run : map->runs()) {
    if (run.end <= run.first) continue;
    for (auto stripe : stripes_of(run)) {
      auto losses =
        losses_of(g, run, map->empty_pieces(stripe), [&](std::uint32_t piece) { return held(run, stripe, piece); });
      if (losses < worst.losses) worst = {.losses = losses, .losses_wanted = m, .stripe = stripe};
    }
  }
  return worst;
}

} // namespace

result<protection> protection_of(const pb::extent& extent, const cluster_map& nodes) {
  // Of a run's later stripes not fewer pieces are empty.
  return worst_of(
    extent, [](const stripe_run& run) { return std::vector{run.first}; },
    [&](const stripe_run& run, std::uint64_t, std::uint32_t piece) { return nodes.serves(run.nodes[piece]); });
}

result<protection> protection_of(const pb::extent& extent, const found_missing& found) {
  auto stripes = [&](const stripe_run& run) { // the first, and those that lack something
    std::set<std::uint64_t> all{run.first};
    for (auto at = found.pieces.lower_bound({run.first, 0}); at != found.pieces.end() && at->first < run.end; ++at)
      all.insert(at->first);
    return all;
  };
  return worst_of(extent, stripes, [&](const stripe_run& run, std::uint64_t stripe, std::uint32_t piece) {
    return !found.silent.contains(run.nodes[piece]) && !found.pieces.contains({stripe, piece});
  });
}

} // namespace troupe
