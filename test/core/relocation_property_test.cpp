// Random clusters, placements and failures: what relocation promises, whatever they are; and the pieces on the nodes
// before and after, counted one by one, against what vacated_by says of them.

#include "core/extent_codec.hpp"
#include "core/protection.hpp"
#include "core/relocation.hpp"
#include "core/stripe_rebuild.hpp"
#include "core/vacated.hpp"
#include "support/extents.hpp"
#include "support/print_result.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <set>
#include <tuple>

using namespace troupe;

namespace {

struct scene {
  cluster_map map;
  ring places;
  std::set<node_id> unreachable;
  std::vector<node_id> barred;
  pb::extent extent;
  relocation_goal goal = relocation_goal::protect;

  relocation run(const pb::extent& e) const {
    auto reachable = [&](const node_id& n) { return unreachable.count(n) == 0; };
    return relocate(e, goal, {.map = map, .places = places, .reachable = reachable, .barred = barred}).value();
  }
};

scene random_scene(std::mt19937_64& random) {
  auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  std::vector<cluster_node> nodes;
  std::size_t n = 3 + below(12), zones = below(5);
  std::set<node_id> unreachable;
  std::vector<node_id> barred;
  for (std::size_t i = 1; i <= n; ++i) {
    constexpr node_state states[] = {
      node_state::joining, node_state::draining, node_state::down, node_state::gone, node_state::up};
    auto state = states[below(5)];
    nodes.push_back(nth_cluster_node(i, below(2) == 0 ? state : node_state::up));
    if (zones != 0) nodes.back().zone = "z" + std::to_string(below(zones));
    nodes.back().weight = static_cast<std::uint32_t>(below(4));
    if (below(8) == 0) unreachable.insert(nth_node(i));
    if (below(10) == 0) barred.push_back(nth_node(i));
  }
  stripe_geometry g{
    .k = 1 + static_cast<std::uint32_t>(below(4)), .m = static_cast<std::uint32_t>(below(4)), .piece_bytes = 10};
  auto e = unplaced_extent(random_data_id(random), g, below(400));
  for (std::uint64_t first = 0; first < 6; first += 1 + below(3)) {
    std::vector<node_id> holders;
    while (holders.size() < g.k + g.m) {
      auto one = nth_node(1 + below(n + 1));
      bool twice = std::find(holders.begin(), holders.end(), one) != holders.end();
      if (!twice || holders.size() >= n || below(12) == 0) holders.push_back(one);
    }
    add_placement(e, first, holders);
  }
  auto map = map_of_nodes(nodes);
  auto places = places_of(map);
  auto goal = below(2) == 0 ? relocation_goal::protect : relocation_goal::balance;
  return {std::move(map), std::move(places), std::move(unreachable), std::move(barred), std::move(e), goal};
}

using stored_piece = std::tuple<node_id, std::uint64_t, std::uint32_t>;

std::map<stored_piece, std::uint64_t> pieces_of(const pb::extent& e) {
  std::map<stored_piece, std::uint64_t> out;
  auto map = map_of(e).value();
  for (std::uint64_t s = 0; s < map.layout().stripes(); ++s)
    for (std::uint32_t p = 0; p < e.geometry().k() + e.geometry().m(); ++p)
      if (auto bytes = stored_bytes(map.layout(), s, p); bytes != 0) out[{map.nodes_of(s)[p], s, p}] = bytes;
  return out;
}

// Of each stripe: runs that became alike are one.
std::uint64_t stripes_stuck(const relocation& r) {
  std::uint64_t n = 0;
  for (auto& s : r.stuck) n += s.end_stripe - s.first_stripe;
  return n;
}

std::size_t zones_of(const cluster_map& map, const std::vector<node_id>& nodes) {
  std::set<std::string> zones;
  for (auto& n : nodes)
    if (map.serves(n)) zones.insert(map.find(n)->zone.empty() ? n.name : map.find(n)->zone);
  return zones.size();
}

} // namespace

TEST_CASE("a relocation moves only what its goal says, to fitting nodes, and leaves the extent no less protected") {
  std::mt19937_64 random{1234};
  for (int round = 0; round < 3000; ++round) {
    INFO("round " << round);
    auto s = random_scene(random);
    auto r = s.run(s.extent);
    auto before = map_of(s.extent).value(), after = map_of(r.extent).value();
    auto pieces = before.layout().geometry().k + before.layout().geometry().m;
    auto ideal = candidates(s.places, before.id(), pieces);

    auto stored = pieces_of(s.extent); // and replayed below
    for (auto& m : r.moves) {
      auto* to = s.map.find(m.to);
      REQUIRE(to != nullptr);
      REQUIRE(takes_data(*to));
      REQUIRE(s.unreachable.count(m.to) == 0);
      REQUIRE(std::find(s.barred.begin(), s.barred.end(), m.to) == s.barred.end());
      auto& was = before.nodes_of(m.first_stripe);
      REQUIRE(std::find(was.begin(), was.end(), m.to) == was.end());
      auto* from = s.map.find(m.from);
      bool lost = !s.map.serves(m.from), draining = !lost && from->state == node_state::draining;
      bool doubled = std::count(was.begin(), was.end(), m.from) > 1;
      bool unwanted = std::find(ideal.begin(), ideal.end(), m.from) == ideal.end();
      REQUIRE((lost || draining || doubled || (s.goal == relocation_goal::balance && unwanted)));
      if (m.how == piece_move::source::copy) REQUIRE((!lost && s.unreachable.count(m.from) == 0));
      std::uint64_t bytes = 0;
      for (auto stripe = m.first_stripe; stripe < m.end_stripe; ++stripe) {
        auto piece = stored.find({m.from, stripe, m.piece});
        if (piece == stored.end()) continue;
        bytes += piece->second;
        stored[{m.to, stripe, m.piece}] = piece->second;
        stored.erase({m.from, stripe, m.piece});
      }
      REQUIRE(bytes == m.bytes);
      REQUIRE(bytes > 0);
    }
    REQUIRE(stored == pieces_of(r.extent));

    for (std::uint64_t stripe = 0; stripe < before.layout().stripes(); ++stripe) {
      auto &was = before.nodes_of(stripe), &is = after.nodes_of(stripe);
      REQUIRE(std::set<node_id>(is.begin(), is.end()).size() >= std::set<node_id>(was.begin(), was.end()).size());
      if (s.goal == relocation_goal::balance && s.unreachable.empty()) {
        bool all_up = std::all_of(was.begin(), was.end(),
          [&](auto& n) { return s.map.find(n) != nullptr && s.map.find(n)->state == node_state::up; });
        if (all_up) REQUIRE(zones_of(s.map, is) >= zones_of(s.map, was));
      }
    }
    auto was = protection_of(s.extent, s.map).value(), is = protection_of(r.extent, s.map).value();
    REQUIRE(is.losses >= was.losses);
    auto again = s.run(r.extent);
    REQUIRE(again.moves.empty());
    REQUIRE(again.extent.SerializeAsString() == r.extent.SerializeAsString());
    REQUIRE(stripes_stuck(r) == stripes_stuck(again));
  }
}

TEST_CASE("what may be removed after a relocation is named by nobody, and what stays behind is counted to the byte") {
  std::mt19937_64 random{4321};
  std::size_t removable = 0, kept = 0;
  for (int round = 0; round < 2000; ++round) {
    INFO("round " << round);
    auto s = random_scene(random);
    auto r = s.run(s.extent);
    auto v = vacated_by(s.extent, r.extent).value();
    std::map<node_id, std::uint64_t> expected;
    auto now = pieces_of(r.extent);
    for (auto& [piece, bytes] : pieces_of(s.extent))
      if (now.count(piece) == 0) expected[std::get<0>(piece)] += bytes;
    auto still = map_of(r.extent).value().all_nodes();
    for (auto* list : {&v.removable, &v.kept})
      for (auto& left : *list) {
        REQUIRE(left.bytes == expected[left.node]);
        expected.erase(left.node);
        REQUIRE(std::binary_search(still.begin(), still.end(), left.node) == (list == &v.kept));
      }
    for (auto& [node, bytes] : expected) REQUIRE(bytes == 0);
    removable += v.removable.size();
    kept += v.kept.size();
  }
  REQUIRE(removable > 100); // the scenes are not all idle
  REQUIRE(kept > 100);
}
