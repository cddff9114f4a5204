#include "core/map_change.hpp"
#include "support/cluster_maps.hpp"
#include "support/print_result.hpp"

#include <catch2/catch.hpp>

using namespace troupe;

namespace {

constexpr request_terms at_99{.places_needed = 1, .now_ms = 99};

pb::map_change change_of(pb::map_change::kinds kind, const std::string& node) {
  pb::map_change c;
  c.set_kind(kind);
  c.set_node(node);
  return c;
}

} // namespace

TEST_CASE("each kind of request does what its name says") {
  auto map = map_of_up(3);
  auto drained = with_change(map, change_of(pb::map_change::drain, "node-2"), at_99).value();
  REQUIRE(drained.find(nth_node(2))->state == node_state::draining);
  REQUIRE(drained.find(nth_node(2))->since_ms == 99);
  auto back = with_change(drained, change_of(pb::map_change::undrain, "node-2"), at_99).value();
  REQUIRE(back.find(nth_node(2))->state == node_state::up);
  auto heavy = change_of(pb::map_change::weight, "node-1");
  heavy.set_weight_wanted(7);
  REQUIRE(with_change(map, heavy, at_99).value().find(nth_node(1))->weight == 7);
  auto away = change_of(pb::map_change::remove, "node-3");
  REQUIRE(with_change(map, away, at_99).error().code == ec::conflict);
  away.set_force(true);
  REQUIRE(with_change(map, away, at_99).value().find(nth_node(3))->state == node_state::gone);
}

TEST_CASE("a node that joins gets the Raft id of its name, when it has the metadata role") {
  pb::map_change c;
  c.set_kind(pb::map_change::join);
  auto& n = *c.mutable_joining();
  n.set_id("node-4");
  n.set_address("10.0.0.4:9101");
  n.set_weight(2);
  n.set_storage(true);
  auto joined = with_change(map_of_up(3), c, at_99).value();
  REQUIRE(joined.find(nth_node(4))->state == node_state::joining);
  REQUIRE(joined.find(nth_node(4))->raft_id == 0);
  n.set_metadata(true);
  joined = with_change(map_of_up(3), c, at_99).value();
  REQUIRE(joined.find(nth_node(4))->raft_id == raft_id_of(nth_node(4)));
  REQUIRE(with_change(joined, c, at_99).value() == joined);
}

TEST_CASE("a request that makes no sense is refused before the map is looked at") {
  auto map = map_of_up(3);
  REQUIRE(with_change(map, {}, at_99).error().code == ec::bad_argument);
  REQUIRE(with_change(map, change_of(pb::map_change::join, ""), at_99).error().code == ec::bad_argument);
  auto heavy = change_of(pb::map_change::weight, "node-1");
  heavy.set_weight_wanted(cluster_map::weight_max + 1);
  REQUIRE(with_change(map, heavy, at_99).error().code == ec::bad_argument);
  REQUIRE(with_change(map, change_of(pb::map_change::drain, "nobody"), at_99).error().code == ec::not_found);
}
