// 100,000 extents while a cluster grows from 5 to 6 to 10 nodes: how much moves, and how evenly it lies afterwards.

#include "core/relocation.hpp"
#include "support/extents.hpp"
#include "support/print_result.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

using namespace troupe;

namespace {

constexpr std::size_t extents = 100'000;

struct growth {
  std::size_t moved = 0;    // pieces
  std::size_t demanded = 0; // pieces on nodes that the new ring does not choose
  std::size_t to_old = 0;   // pieces that moved between nodes that were there before
};

std::vector<pb::extent> placed(stripe_geometry g, const cluster_map& map) {
  std::mt19937_64 random{7};
  auto places = places_of(map);
  std::vector<pb::extent> all;
  for (std::size_t i = 0; i < extents; ++i) all.push_back(extent_by(places, random_data_id(random), g, 1 << 20));
  return all;
}

growth grow(std::vector<pb::extent>& all, const cluster_map& before, const cluster_map& after) {
  auto places = places_of(after);
  auto everybody = [](const node_id&) { return true; };
  growth out;
  for (auto& e : all) {
    auto id = data_id::from_bytes(e.data_id());
    auto ideal = candidates(places, id, e.geometry().k() + e.geometry().m());
    for (auto& n : nodes_of_placement(e))
      if (std::find(ideal.begin(), ideal.end(), n) == ideal.end()) ++out.demanded;
    relocation_view view{.map = after, .places = places, .reachable = everybody};
    auto r = relocate(e, relocation_goal::balance, view).value();
    out.moved += r.moves.size();
    for (auto& m : r.moves)
      if (before.find(m.to) != nullptr) ++out.to_old;
    e = std::move(r.extent);
  }
  return out;
}

// How far the node that is furthest from its share is from it; all weigh the same.
double worst_deviation(const std::vector<pb::extent>& all, std::size_t nodes) {
  std::map<std::string, std::size_t> count;
  std::size_t pieces = 0;
  for (auto& e : all)
    for (auto& n : e.placements(0).nodes()) {
      ++count[n];
      ++pieces;
    }
  auto share = static_cast<double>(pieces) / static_cast<double>(nodes);
  double worst = count.size() == nodes ? 0 : 1;
  for (auto& [name, n] : count) worst = std::max(worst, std::abs(static_cast<double>(n) / share - 1));
  return worst;
}

} // namespace

// 150 positions a node keep 3 copies on 10 nodes within 12 % only (REQUIREMENTS X1); 1000 would keep them within 5 %.
TEST_CASE(
  "growth from 5 to 6 to 10 nodes moves the new nodes' share, only to them, and leaves everybody near a share") {
  struct expectation {
    stripe_geometry geometry;
    double deviation_max;
  };
  for (auto [g, deviation_max] : {expectation{{.k = 3, .m = 2, .piece_bytes = default_piece_bytes}, 0.10},
         expectation{{.k = 1, .m = 2, .piece_bytes = default_piece_bytes}, 0.13}}) {
    auto map = map_of_up(5);
    auto all = placed(g, map);
    auto pieces = static_cast<double>(extents * (g.k + g.m));
    for (std::size_t nodes : {6u, 10u}) {
      auto after = map_of_up(nodes);
      auto added = static_cast<double>(nodes - map.nodes().size());
      auto moved = grow(all, map, after);
      auto deviation = worst_deviation(all, nodes);
      INFO("k=" << g.k << " m=" << g.m << ", " << nodes << " nodes: moved " << moved.moved << " of " << pieces
                << " pieces, worst deviation " << deviation);
      REQUIRE(moved.moved == moved.demanded);
      REQUIRE(moved.to_old == 0);
      REQUIRE(static_cast<double>(moved.moved) <= 1.1 * pieces * added / static_cast<double>(nodes));
      REQUIRE(deviation < deviation_max);
      map = after;
    }
  }
}
