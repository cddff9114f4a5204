#include "core/protection.hpp"
#include "support/extents.hpp"
#include "support/print_result.hpp"

#include <catch2/catch.hpp>

using namespace troupe;

namespace {

constexpr stripe_geometry rs{.k = 3, .m = 2, .piece_bytes = 100};
constexpr stripe_geometry copies{.k = 1, .m = 2, .piece_bytes = 100};

int losses(const pb::extent& e, const cluster_map& map) { return protection_of(e, map).value().losses; }

pb::extent placed(stripe_geometry g, const std::vector<std::size_t>& nodes) {
  return extent_on(data_id{}, g, 2950, nodes_numbered(nodes));
}

} // namespace

TEST_CASE("an extent on nodes that are up survives as many losses as it has parity, one less for each node down") {
  auto map = map_of_up(5);
  REQUIRE(losses(placed(rs, {1, 2, 3, 4, 5}), map) == 2);
  REQUIRE(losses(placed(copies, {1, 2, 3}), map) == 2);
  REQUIRE(protection_of(placed(rs, {1, 2, 3, 4, 5}), map).value().full());
  for (std::size_t i = 1; i <= 4; ++i) {
    map = with_state(map, i, i % 2 == 0 ? node_state::down : node_state::gone);
    auto p = protection_of(placed(rs, {1, 2, 3, 4, 5}), map).value();
    REQUIRE(p.losses == 2 - static_cast<int>(i));
    REQUIRE(p.losses_wanted == 2);
    REQUIRE_FALSE(p.full());
  }
}

TEST_CASE("a draining or joining node's pieces count, an unknown node's do not") {
  auto map = with_state(with_state(map_of_up(5), 1, node_state::draining), 2, node_state::joining);
  REQUIRE(losses(placed(rs, {1, 2, 3, 4, 5}), map) == 2);
  REQUIRE(losses(placed(rs, {1, 2, 3, 4, 77}), map) == 1);
}

TEST_CASE("a node with two pieces of a stripe is lost with both") {
  REQUIRE(losses(placed(rs, {1, 2, 3, 4, 1}), map_of_up(5)) == 1);
  REQUIRE(losses(placed(rs, {1, 2, 3, 1, 1}), map_of_up(5)) == 0);
  REQUIRE(losses(placed(copies, {1, 1, 1}), map_of_up(5)) == 0);
}

TEST_CASE("the worst stripe counts, and is named") {
  auto e = unplaced_extent({}, rs, 2950);
  add_placement(e, 0, nodes_numbered({1, 2, 3, 4, 5}));
  add_placement(e, 3, nodes_numbered({1, 2, 3, 4, 6}));
  add_placement(e, 6, nodes_numbered({1, 2, 3, 5, 6}));
  auto map = with_state(with_state(map_of_up(6), 4, node_state::down), 6, node_state::down);
  auto p = protection_of(e, map).value();
  REQUIRE(p.losses == 0);
  REQUIRE(p.stripe == 3);
}

TEST_CASE("known zeros can not be lost, and do not make an extent better than its parity") {
  auto map = map_of_up(5);
  auto tiny = extent_on({}, rs, 1, nodes_numbered({1, 2, 3, 4, 5}));
  REQUIRE(losses(tiny, map) == 2);
  REQUIRE(losses(tiny, with_state(map, 2, node_state::gone)) == 2); // an empty piece was there
  REQUIRE(losses(tiny, with_state(map, 4, node_state::gone)) == 1);
  auto empty = extent_on({}, rs, 0, nodes_numbered({7, 7, 7, 7, 7}));
  REQUIRE(losses(empty, map) == 2);
  auto odd = tiny;
  odd.set_data_id("short");
  REQUIRE(protection_of(odd, map).error().code == ec::corrupt);
}

TEST_CASE("by what was found, a missing piece and a silent node count alike") {
  auto e = placed(rs, {1, 2, 3, 4, 5});
  REQUIRE(protection_of(e, found_missing{}).value().losses == 2);
  found_missing one{.pieces = {{4, 1}}, .silent = {}};
  auto p = protection_of(e, one).value();
  REQUIRE(p.losses == 1);
  REQUIRE(p.stripe == 4);
  one.silent.insert(nth_node(5));
  p = protection_of(e, one).value();
  REQUIRE(p.losses == 0);
  REQUIRE(p.stripe == 4);
  one.silent.insert(nth_node(4));
  REQUIRE(protection_of(e, one).value().losses == -1);
}

TEST_CASE("pieces that are missing in different stripes do not add up") {
  auto e = placed(rs, {1, 2, 3, 4, 5});
  REQUIRE(protection_of(e, found_missing{.pieces = {{0, 0}, {1, 1}, {2, 2}}, .silent = {}}).value().losses == 1);
}
