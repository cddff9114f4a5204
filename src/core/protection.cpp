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

} // namespace

result<protection> protection_of(const pb::extent& extent, const cluster_map& nodes) {
  auto map = map_of(extent);
  if (!map) return map.error();
  auto g = map->layout().geometry();
  auto m = static_cast<int>(g.m);
  protection worst{.losses = m, .losses_wanted = m, .stripe = 0};
  for (const auto& run : map->runs()) {
    if (run.end <= run.first) continue;
    auto empty = map->empty_pieces(run.first); // of the run's later stripes not fewer are
    std::map<node_id, int> held;
    int readable = 0;
    for (std::uint32_t piece = 0; piece < g.k + g.m; ++piece) {
      bool is_empty = (empty >> piece & 1) != 0;
      if (is_empty) ++readable; // known zeros: no node can lose them
      if (is_empty || !nodes.serves(run.nodes[piece])) continue;
      ++readable;
      ++held[run.nodes[piece]];
    }
    std::vector<int> pieces;
    for (auto& [node, n] : held) pieces.push_back(n);
    auto losses = std::min(m, losses_until(static_cast<int>(g.k), readable, std::move(pieces)));
    if (losses < worst.losses) worst = {.losses = losses, .losses_wanted = m, .stripe = run.first};
  }
  return worst;
}

} // namespace troupe
