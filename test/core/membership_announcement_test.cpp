// What a node says of itself, apart from what the leader sees.
#include "core/cluster_requests.hpp"
#include "core/membership.hpp"
#include "support/cluster_maps.hpp"
#include "support/print_result.hpp"

#include <catch2/catch.hpp>

using namespace troupe;

namespace {

constexpr node_roles everything{.storage = true, .metadata = true, .coordinator = true};

} // namespace

TEST_CASE("a node's own word changes its zone, weight and roles, and nothing else") {
  auto map = with_state(map_of_up(5), 2, node_state::down); // whatever else is due
  auto said = node_announcement{.roles = everything};
  said.zone = "b";
  said.weight = 4;
  said.roles.coordinator = false;
  auto d = announced(map, nth_node(3), said);
  REQUIRE(d.next);
  auto expected = *map.find(nth_node(3));
  expected.zone = "b";
  expected.weight = 4;
  expected.announced_weight = 4;
  expected.roles.coordinator = false;
  REQUIRE(*d.next == map.next({expected}).value());
  REQUIRE(d.reasons.size() == 3);
  REQUIRE_FALSE(announced(*d.next, nth_node(3), said).next);
  REQUIRE_FALSE(announced(map, nth_node(9), said).next);
  REQUIRE_FALSE(announced(with_state(map, 3, node_state::gone), nth_node(3), said).next);
  said.roles.storage = false;
  auto refused = announced(*d.next, nth_node(3), said);
  REQUIRE_FALSE(refused.next);
  REQUIRE(refused.refusals.size() == 1);
  REQUIRE(refused.refusals.front().starts_with("node-3 no longer announces the storage role"));
}

TEST_CASE("the weight that an operator set stays until the node says another one, also when it never said any") {
  request_terms terms;
  auto said = node_announcement{.roles = everything};
  said.weight = 1;
  auto map = map_of_up(3);
  REQUIRE_FALSE(announced(map, nth_node(1), said).next); // as it is
  map = set_weight(map, nth_node(1), 9, terms).value();
  REQUIRE_FALSE(announced(map, nth_node(1), said).next);
  said.weight = 2;
  REQUIRE(announced(map, nth_node(1), said).next->find(nth_node(1))->weight == 2);
}
