#include "core/relocation.hpp"
#include "support/extents.hpp"
#include "support/print_result.hpp"

#include <catch2/catch.hpp>

#include <set>

using namespace troupe;

namespace {

constexpr stripe_geometry rs{.k = 3, .m = 2, .piece_bytes = 100};
constexpr stripe_geometry copies{.k = 1, .m = 2, .piece_bytes = 100};
using source = piece_move::source;
using reason = stuck_piece::reason;

struct plan_options {
  relocation_goal goal = relocation_goal::protect;
  std::set<node_id> unreachable = {};
  std::vector<node_id> barred = {};
};

relocation plan(const pb::extent& e, const cluster_map& map, const plan_options& o = {}) {
  auto places = places_of(map);
  auto reachable = [&](const node_id& n) { return o.unreachable.count(n) == 0; };
  return relocate(e, o.goal, {.map = map, .places = places, .reachable = reachable, .barred = o.barred}).value();
}

// 10 stripes, 2950 bytes: in the last one pieces of 84, 84, 82 and, parity, 84 bytes.
pb::extent ten_stripes(const std::vector<std::size_t>& nodes) {
  return extent_on(data_id{}, rs, 2950, nodes_numbered(nodes));
}

// In the order of their numbers, clockwise for a data_id: tests that want the next node ask for it.
std::vector<node_id> order(const cluster_map& map, const data_id& id = {}) {
  return candidates(places_of(map), id, map.nodes().size());
}

} // namespace

TEST_CASE("an extent whose nodes are all up stays where it is, wherever the ring would put it") {
  auto r = plan(ten_stripes({6, 5, 4, 3, 2}), map_of_up(6));
  REQUIRE_FALSE(r.changed);
  REQUIRE(r.moves.empty());
  REQUIRE(r.stuck.empty());
  REQUIRE(r.extent.SerializeAsString() == ten_stripes({6, 5, 4, 3, 2}).SerializeAsString());
}

TEST_CASE("a piece on a node that is down, gone or unknown is rebuilt on the node that has none") {
  for (auto state : {node_state::down, node_state::gone}) {
    auto r = plan(ten_stripes({1, 2, 3, 4, 5}), with_state(map_of_up(6), 3, state));
    REQUIRE(r.changed);
    REQUIRE(r.moves ==
      std::vector<piece_move>{{.first_stripe = 0,
        .end_stripe = 10,
        .piece = 2,
        .from = nth_node(3),
        .to = nth_node(6),
        .how = source::rebuild,
        .bytes = 982}});
    REQUIRE(nodes_of_placement(r.extent) == nodes_numbered({1, 2, 6, 4, 5}));
  }
  auto unknown = plan(ten_stripes({1, 2, 99, 4, 5}), map_of_up(5));
  REQUIRE(unknown.moves.size() == 1);
  REQUIRE(unknown.moves[0].how == source::rebuild);
  REQUIRE(unknown.moves[0].to == nth_node(3));
}

TEST_CASE("a piece on a draining node is copied while that can be reached, else rebuilt") {
  auto map = with_state(map_of_up(6), 4, node_state::draining);
  auto alive = plan(ten_stripes({1, 2, 3, 4, 5}), map);
  REQUIRE(alive.moves.size() == 1);
  REQUIRE(alive.moves[0].how == source::copy);
  REQUIRE(alive.moves[0].to == nth_node(6));
  REQUIRE(alive.moves[0].bytes == 984);
  auto dead = plan(ten_stripes({1, 2, 3, 4, 5}), map, {.unreachable = {nth_node(4)}});
  REQUIRE(dead.moves[0].how == source::rebuild);
}

TEST_CASE("a piece goes to the next node clockwise that has no piece of the stripe") {
  auto map = with_state(map_of_up(12), 7, node_state::down);
  auto clockwise = order(map);
  auto nodes = std::vector<node_id>{clockwise[0], clockwise[2], nth_node(7), clockwise[1], clockwise[9]};
  auto r = plan(extent_on({}, rs, 2950, nodes), map);
  REQUIRE(r.moves.size() == 1);
  REQUIRE(r.moves[0].to == clockwise[3]);
  auto barred = plan(extent_on({}, rs, 2950, nodes), map, {.barred = {clockwise[3]}});
  REQUIRE(barred.moves[0].to == clockwise[4]);
  auto suspect = plan(extent_on({}, rs, 2950, nodes), map, {.unreachable = {clockwise[3], clockwise[4]}});
  REQUIRE(suspect.moves[0].to == clockwise[5]);
}

TEST_CASE("a piece goes to a zone that has none of the stripe, before it goes clockwise") {
  std::vector<cluster_node> nodes;
  for (std::size_t i = 1; i <= 9; ++i)
    nodes.push_back(nth_cluster_node(i, node_state::up, "z" + std::to_string(i % 3)));
  auto all_up = map_of_nodes(nodes);
  std::mt19937_64 random{5};
  for (int i = 0; i < 200; ++i) {
    auto id = random_data_id(random);
    auto e = extent_by(places_of(all_up), id, copies, 1000);
    auto lost = nodes_of_placement(e)[random() % 3];
    auto map = with_state(all_up, std::stoul(lost.name.substr(5)), node_state::down);
    auto r = plan(e, map);
    REQUIRE(r.moves.size() == 1);
    std::set<std::string> zones;
    for (auto& n : nodes_of_placement(r.extent)) zones.insert(map.find(n)->zone);
    REQUIRE(zones.size() == 3);
  }
}

TEST_CASE("with fewer nodes than pieces, what can move does, and what can not is said to be stuck") {
  auto map = with_state(with_state(map_of_up(6), 1, node_state::draining), 2, node_state::down);
  auto r = plan(ten_stripes({1, 2, 3, 4, 5}), map);
  REQUIRE(r.moves.size() == 1); // the lost one first: the other can still be read
  REQUIRE(r.moves[0].from == nth_node(2));
  REQUIRE(r.moves[0].to == nth_node(6));
  REQUIRE(r.stuck ==
    std::vector<stuck_piece>{
      {.first_stripe = 0, .end_stripe = 10, .piece = 0, .node = nth_node(1), .why = reason::no_place, .lost = false}});
  auto five = plan(ten_stripes({1, 2, 3, 4, 5}), with_state(map_of_up(5), 2, node_state::gone));
  REQUIRE_FALSE(five.changed);
  REQUIRE(five.stuck.size() == 1);
  REQUIRE(five.stuck[0].lost);
}

TEST_CASE("what can not be decoded is stuck, and what can be copied moves all the same") {
  auto map = map_of_up(10);
  for (std::size_t i : {1u, 2u, 3u}) map = with_state(map, i, node_state::down);
  map = with_state(map, 4, node_state::draining);
  auto r = plan(ten_stripes({1, 2, 3, 4, 5}), map);
  REQUIRE(r.moves.size() == 1);
  REQUIRE(r.moves[0].piece == 3);
  REQUIRE(r.stuck.size() == 3);
  for (auto& s : r.stuck) REQUIRE(s.why == reason::unreadable);
  // Three are left, and one of them does not answer now.
  auto two_down = with_state(with_state(map_of_up(10), 1, node_state::down), 2, node_state::down);
  REQUIRE(plan(ten_stripes({1, 2, 3, 4, 5}), two_down).moves.size() == 2);
  REQUIRE(plan(ten_stripes({1, 2, 3, 4, 5}), two_down, {.unreachable = {nth_node(5)}}).stuck.size() == 2);
}

TEST_CASE("known zeros are nowhere: they need no move, only another name, and count when a stripe is decoded") {
  auto map = with_state(with_state(map_of_up(6), 2, node_state::draining), 4, node_state::down);
  map = with_state(map, 5, node_state::down).next({nth_cluster_node(7), nth_cluster_node(8)}).value();
  auto r = plan(extent_on({}, rs, 1, nodes_numbered({1, 2, 3, 4, 5})), map); // one byte: pieces 1 and 2 are empty
  REQUIRE(r.moves.size() == 2);
  for (auto& m : r.moves) {
    REQUIRE(m.piece >= 3);
    REQUIRE(m.bytes == 1);
  }
  REQUIRE(r.stuck.empty());
  auto now = nodes_of_placement(r.extent);
  REQUIRE(std::find(now.begin(), now.end(), nth_node(2)) == now.end());
}

TEST_CASE("each run of stripes moves by itself, and runs that became alike are one") {
  auto e = unplaced_extent({}, rs, 2950);
  add_placement(e, 0, nodes_numbered({1, 2, 3, 4, 5}));
  add_placement(e, 4, nodes_numbered({1, 2, 3, 4, 6}));
  auto r = plan(e, with_state(map_of_up(6), 5, node_state::down));
  REQUIRE(r.moves.size() == 1);
  REQUIRE(r.moves[0].end_stripe == 4);
  REQUIRE(r.moves[0].bytes == 400);
  REQUIRE(r.extent.placements_size() == 1);
  REQUIRE(nodes_of_placement(r.extent) == nodes_numbered({1, 2, 3, 4, 6}));

  auto other = plan(e, with_state(map_of_up(6), 4, node_state::down));
  REQUIRE(other.moves.size() == 2);
  REQUIRE(other.moves[0].to == nth_node(6));
  REQUIRE(other.moves[1].to == nth_node(5));
  REQUIRE(other.moves[1].bytes == 5 * 100 + 84);
  REQUIRE(other.extent.placements_size() == 2);
}

TEST_CASE("a second piece of a stripe on one node goes to another, once there is one") {
  auto e = ten_stripes({1, 2, 3, 4, 1});
  auto none = plan(e, map_of_up(4));
  REQUIRE_FALSE(none.changed);
  REQUIRE(none.stuck.size() == 1);
  auto r = plan(e, map_of_up(5));
  REQUIRE(r.moves.size() == 1);
  REQUIRE(r.moves[0].piece == 4);
  REQUIRE(r.moves[0].how == source::copy);
  REQUIRE(nodes_of_placement(r.extent) == nodes_numbered({1, 2, 3, 4, 5}));
}

TEST_CASE("after growth only pieces move whose node the ring would not choose, to nodes that it would") {
  auto before = map_of_up(6), after = map_of_up(9);
  auto old_ring = places_of(before), new_ring = places_of(after);
  std::mt19937_64 random{21};
  for (auto g : {rs, copies})
    for (int i = 0; i < 300; ++i) {
      auto id = random_data_id(random);
      auto e = extent_by(old_ring, id, g, 5000);
      auto was = nodes_of_placement(e), ideal = candidates(new_ring, id, g.k + g.m);
      auto r = plan(e, after, {.goal = relocation_goal::balance});
      auto is = nodes_of_placement(r.extent);
      std::set<node_id> wanted(ideal.begin(), ideal.end());
      REQUIRE(std::set<node_id>(is.begin(), is.end()) == wanted);
      std::size_t must = 0;
      for (std::size_t piece = 0; piece < was.size(); ++piece) {
        if (wanted.count(was[piece]) == 0) ++must;
        if (wanted.count(was[piece]) != 0) REQUIRE(is[piece] == was[piece]);
      }
      REQUIRE(r.moves.size() == must);
      for (auto& m : r.moves) REQUIRE(m.how == source::copy);
      REQUIRE_FALSE(plan(r.extent, after, {.goal = relocation_goal::balance}).changed);
    }
}

TEST_CASE("balancing leaves what can not be reached where it is, and never gives up a zone") {
  std::vector<cluster_node> nodes;
  for (std::size_t i = 1; i <= 6; ++i)
    nodes.push_back(nth_cluster_node(i, node_state::up, "z" + std::to_string(i % 2)));
  auto map = map_of_nodes(nodes);
  auto ideal = order(map); // one of each zone, then the second one of each
  stripe_geometry two{.k = 1, .m = 1, .piece_bytes = 100};
  auto zone = [&](const node_id& n) { return map.find(n)->zone; };
  bool in_order = zone(ideal[2]) == zone(ideal[0]);
  auto other = ideal[in_order ? 2 : 3],
       partner = ideal[in_order ? 3 : 2]; // of the first one's zone, of the second one's
  auto e = extent_on({}, two, 100, {other, partner});
  plan_options balance{.goal = relocation_goal::balance};
  auto all = plan(e, map, balance);
  REQUIRE(nodes_of_placement(all.extent) == std::vector<node_id>{ideal[0], ideal[1]});
  balance.unreachable = {other};
  REQUIRE(nodes_of_placement(plan(e, map, balance).extent) == std::vector<node_id>{other, ideal[1]});
  balance.unreachable = {ideal[0]};
  auto half = plan(e, map, balance);
  REQUIRE(nodes_of_placement(half.extent) == std::vector<node_id>{other, ideal[1]});
  REQUIRE(half.stuck.empty()); // nothing is in danger
}

TEST_CASE("a node of weight 0 gives its pieces away when the cluster is balanced, and keeps them otherwise") {
  auto light = nth_cluster_node(2);
  light.weight = 0;
  auto map = map_of_up(6).next({light}).value();
  auto e = ten_stripes({1, 2, 3, 4, 5});
  REQUIRE_FALSE(plan(e, map).changed);
  auto r = plan(e, map, {.goal = relocation_goal::balance});
  REQUIRE(r.moves.size() == 1);
  REQUIRE(r.moves[0].from == nth_node(2));
}

TEST_CASE("pieces on nodes that are joining or suspect stay: the map is younger than the data, or they return") {
  auto map = with_state(map_of_up(6), 2, node_state::joining);
  for (auto goal : {relocation_goal::protect, relocation_goal::balance})
    REQUIRE_FALSE(plan(ten_stripes({1, 2, 3, 4, 5}), map, {.goal = goal, .unreachable = {nth_node(3)}}).changed);
}

TEST_CASE("an extent that makes no sense is not relocated") {
  auto map = map_of_up(5);
  auto places = places_of(map);
  auto all = [](const node_id&) { return true; };
  auto e = ten_stripes({1, 2, 3});
  auto r = relocate(e, relocation_goal::protect, {.map = map, .places = places, .reachable = all});
  REQUIRE(r.error().code == ec::corrupt);
}
