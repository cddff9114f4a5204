#include "core/cluster_requests.hpp"

#include "core/map_change.hpp"
#include "support/cluster_maps.hpp"
#include "support/print_result.hpp"

#include <catch2/catch.hpp>

using namespace troupe;

namespace {

constexpr request_terms five{.places_needed = 5, .now_ms = 99};

node_state state_of(const result<cluster_map>& map, std::size_t i) { return map.value().find(nth_node(i))->state; }

} // namespace

TEST_CASE("a node is drained while enough places remain, and the refusal says how many") {
  auto map = map_of_up(6);
  auto drained = drain_node(map, nth_node(3), five);
  REQUIRE(state_of(drained, 3) == node_state::draining);
  REQUIRE(drained->epoch() == map.epoch() + 1);
  REQUIRE(drained->find(nth_node(3))->since_ms == 99);
  auto too_many = drain_node(*drained, nth_node(4), five);
  REQUIRE(too_many.error().code == ec::precondition_failed);
  REQUIRE(
    too_many.error().message == "draining node-4 would leave 4 nodes that take data; 5 are needed: add a node first");
  REQUIRE(drain_node(*drained, nth_node(4), {.places_needed = 3, .now_ms = 0}));
}

TEST_CASE("a node that is down is drained when the others can take what it held") {
  auto down = with_state(map_of_up(6), 2, node_state::down);
  REQUIRE(state_of(drain_node(down, nth_node(2), five), 2) == node_state::draining);
  auto few = with_state(map_of_up(5), 2, node_state::down);
  REQUIRE(drain_node(few, nth_node(2), five).error().code == ec::precondition_failed);
}

TEST_CASE("a node without the storage role is drained whatever the others do") {
  auto n = nth_cluster_node(4);
  n.roles.storage = false;
  REQUIRE(drain_node(map_of_up(3).next({n}).value(), n.id, five));
}

TEST_CASE("a request that is repeated changes nothing, not even the epoch") {
  auto map = map_of_up(7);
  auto drained = drain_node(map, nth_node(1), five).value();
  REQUIRE(drain_node(drained, nth_node(1), five).value() == drained);
  auto back = undrain_node(drained, nth_node(1), five).value();
  REQUIRE(undrain_node(back, nth_node(1), five).value() == back);
  auto gone = remove_node(map, nth_node(1), removal::force, five).value();
  REQUIRE(remove_node(gone, nth_node(1), removal::safe, five).value() == gone);
  auto heavy = set_weight(map, nth_node(1), 3, five).value();
  REQUIRE(set_weight(heavy, nth_node(1), 3, five).value() == heavy);
  auto joined = join_node(map, nth_cluster_node(8), five).value();
  REQUIRE(join_node(joined, nth_cluster_node(8), five).value() == joined);
}

TEST_CASE("only a draining node stops draining") {
  auto map = map_of_up(6);
  for (auto state : {node_state::joining, node_state::down, node_state::gone}) {
    auto odd = with_state(map, 2, state);
    REQUIRE(undrain_node(odd, nth_node(2), five).error().code == ec::conflict);
  }
  REQUIRE(state_of(undrain_node(with_state(map, 2, node_state::draining), nth_node(2), five), 2) == node_state::up);
}

TEST_CASE("what was never known is not found, and what was removed is in conflict for good") {
  auto map = with_state(map_of_up(7), 7, node_state::gone);
  node_id nobody{"nobody"}, gone = nth_node(7);
  REQUIRE(drain_node(map, nobody, five).error().code == ec::not_found);
  REQUIRE(undrain_node(map, nobody, five).error().code == ec::not_found);
  REQUIRE(remove_node(map, nobody, removal::force, five).error().code == ec::not_found);
  REQUIRE(set_weight(map, nobody, 1, five).error().code == ec::not_found);
  REQUIRE(drain_node(map, gone, five).error().code == ec::conflict);
  REQUIRE(set_weight(map, gone, 1, five).error().code == ec::conflict);
  auto again = join_node(map, nth_cluster_node(7), five);
  REQUIRE(again.error().code == ec::conflict);
  REQUIRE(again.error().message == "node-7 was removed: its name is never used again");
}

TEST_CASE("a node that may hold data is removed by force only, one that holds none at once") {
  auto map = map_of_up(6).next({nth_cluster_node(7, node_state::joining)}).value();
  REQUIRE(state_of(remove_node(map, nth_node(7), removal::safe, five), 7) == node_state::gone);
  for (auto state : {node_state::up, node_state::draining, node_state::down}) {
    auto odd = with_state(map, 2, state);
    REQUIRE(remove_node(odd, nth_node(2), removal::safe, five).error().code == ec::conflict);
    REQUIRE(state_of(remove_node(odd, nth_node(2), removal::force, five), 2) == node_state::gone);
  }
  REQUIRE(remove_node(map_of_up(1), nth_node(1), removal::force, five).error().code == ec::precondition_failed);
}

TEST_CASE("a metadata member is not removed before it has left the Raft group, but by force") {
  auto n = nth_cluster_node(4);
  n.roles.storage = false;
  n.raft_id = 4;
  auto map = map_of_up(3).next({n}).value();
  auto refused = remove_node(map, n.id, removal::safe, five);
  REQUIRE(refused.error().code == ec::conflict);
  REQUIRE(refused.error().message ==
    "node-4 may be a metadata member, and the group can not be asked: take it out of the Raft group first");
  auto asked = five;
  asked.members = std::set<std::uint64_t>{1, raft_id_of(n.id)};
  refused = remove_node(map, n.id, removal::safe, asked);
  REQUIRE(refused.error().code == ec::conflict);
  REQUIRE(refused.error().message == "node-4 is a metadata member: take it out of the Raft group first");
  asked.members = std::set<std::uint64_t>{1, 4};
  REQUIRE(state_of(remove_node(map, n.id, removal::safe, asked), 4) == node_state::gone);
  REQUIRE(remove_node(map, n.id, removal::force, five));
}

TEST_CASE("a weight is set within bounds, and to nothing only while enough places remain") {
  auto map = map_of_up(5);
  REQUIRE(set_weight(map, nth_node(2), 8, five)->find(nth_node(2))->weight == 8);
  REQUIRE(set_weight(map, nth_node(2), 101, five).error().code == ec::bad_argument);
  REQUIRE(set_weight(map, nth_node(2), 0, five).error().code == ec::precondition_failed);
  auto six = map_of_up(6);
  REQUIRE(places_of(set_weight(six, nth_node(2), 0, five).value()).places() == 5);
  REQUIRE(set_weight(with_state(map, 2, node_state::down), nth_node(2), 0, five)); // it is no place anyway
}

TEST_CASE("an operator's new node is joining, checked, and not somebody else's") {
  auto map = map_of_up(3);
  auto joined = join_node(map, nth_cluster_node(4, node_state::up), five);
  REQUIRE(state_of(joined, 4) == node_state::joining);
  REQUIRE(joined->find(nth_node(4))->since_ms == 99);
  auto other = nth_cluster_node(3);
  other.address = "10.9.9.9:9101";
  auto taken = join_node(map, other, five);
  REQUIRE(taken.error().code == ec::conflict);
  REQUIRE(taken.error().message == "node-3 is a node already, up at 10.0.0.3:9101");
  auto idle = nth_cluster_node(5);
  idle.roles = {};
  REQUIRE(join_node(map, idle, five).error().code == ec::bad_argument);
  auto odd = nth_cluster_node(5);
  odd.address = "node-5";
  REQUIRE(join_node(map, odd, five).error().code == ec::bad_argument);
}
