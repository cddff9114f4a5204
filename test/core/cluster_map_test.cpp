#include "core/cluster_map.hpp"
#include "support/cluster_maps.hpp"
#include "support/print_result.hpp"

#include <catch2/catch.hpp>

using namespace troupe;

namespace {

pb::cluster_map message_of(std::size_t nodes) { return map_of_up(nodes).message(); }

} // namespace

TEST_CASE("a cluster map comes back from its message with every field") {
  std::vector<cluster_node> nodes;
  for (std::size_t i = 1; i <= 5; ++i) {
    auto n = nth_cluster_node(i, static_cast<node_state>(i), "zone-" + std::to_string(i));
    n.weight = static_cast<std::uint32_t>(i + 3);
    n.since_ms = 1'700'000'000'000 + static_cast<unix_ms>(i);
    n.roles = {.storage = i % 2 == 0, .metadata = true, .coordinator = i % 3 == 0};
    n.raft_id = i;
    if (i > 2) n.announced_weight = static_cast<std::uint32_t>(i - 3);
    nodes.push_back(n);
  }
  auto map = map_of_nodes(nodes);
  REQUIRE(map.nodes() == nodes);
  pb::cluster_map read;
  REQUIRE(read.ParseFromString(map.message().SerializeAsString()));
  REQUIRE(cluster_map::make(read).value() == map);
}

TEST_CASE("an empty cluster map has epoch 0, and comes back, too") {
  auto map = cluster_map::empty(test_cluster).value();
  REQUIRE(map.epoch() == 0);
  REQUIRE(cluster_map::make(map.message()).value() == map);
  REQUIRE(places_of(map).places() == 0);
  REQUIRE(cluster_map::empty("a cluster").error().code == ec::bad_argument);
  REQUIRE(cluster_map::empty(std::string(32, 'G')).error().code == ec::bad_argument);
}

TEST_CASE("a message that makes no sense is no cluster map") {
  auto code_of = [](auto&& spoil) {
    auto m = message_of(3);
    spoil(m);
    return cluster_map::make(m).error().code;
  };
  using map = pb::cluster_map;
  REQUIRE(code_of([](map& m) { m.set_cluster("0123"); }) == ec::corrupt);
  REQUIRE(code_of([](map& m) { m.mutable_nodes(0)->set_id(""); }) == ec::corrupt);
  REQUIRE(code_of([](map& m) { m.mutable_nodes(0)->set_id("../node"); }) == ec::corrupt);
  REQUIRE(code_of([](map& m) { m.mutable_nodes(0)->set_id(std::string(64, 'a')); }) == ec::corrupt);
  REQUIRE(code_of([](map& m) { m.mutable_nodes(2)->set_zone("a zone"); }) == ec::corrupt);
  REQUIRE(code_of([](map& m) { m.mutable_nodes(2)->set_zone(std::string(64, 'z')); }) == ec::corrupt);
  REQUIRE(code_of([](map& m) { m.mutable_nodes(1)->set_weight(101); }) == ec::corrupt);
  REQUIRE(code_of([](map& m) { m.mutable_nodes(1)->set_announced_weight(101); }) == ec::corrupt);
  REQUIRE(code_of([](map& m) { m.mutable_nodes(1)->set_state(pb::cluster_node::unknown); }) == ec::corrupt);
  REQUIRE(code_of([](map& m) { m.mutable_nodes()->SwapElements(0, 2); }) == ec::corrupt);
  REQUIRE(code_of([](map& m) { *m.add_nodes() = m.nodes(2); }) == ec::corrupt); // twice
  REQUIRE(code_of([](map& m) {
    for (int i : {0, 1}) m.mutable_nodes(i)->set_raft_id(7);
  }) == ec::corrupt);
  REQUIRE(code_of([](map& m) {
    m.mutable_nodes(0)->set_raft_id(7);
    m.mutable_nodes(0)->set_metadata(false);
  }) == ec::corrupt);
  for (auto address : {"", "node", "node:", ":9101", "node:0", "node:65536", "node:91x", "a node:9101", "node:-1"}) {
    INFO(address);
    REQUIRE(code_of([&](map& m) { m.mutable_nodes(0)->set_address(address); }) == ec::corrupt);
  }
}

TEST_CASE("a node state of a later version is told apart from damage") {
  auto m = message_of(3);
  m.mutable_nodes(1)->set_state(static_cast<pb::cluster_node::states>(6));
  REQUIRE(cluster_map::make(m).error().code == ec::incompatible);
}

TEST_CASE("a cluster map has at most 1000 nodes, and their weights at most 10000 in all") {
  auto full = map_of_up(cluster_map::nodes_max);
  REQUIRE(full.nodes().size() == 1000);
  REQUIRE(full.next({nth_cluster_node(1001)}).error().code == ec::bad_argument);
  REQUIRE(full.next({nth_cluster_node(1000, node_state::down)})); // it is one of them
  auto m = full.message();
  auto* one_more = m.add_nodes();
  *one_more = m.nodes(0);
  one_more->set_id("z");
  REQUIRE(cluster_map::make(m).error().code == ec::corrupt);

  std::vector<cluster_node> heavy;
  for (std::size_t i = 1; i <= 101; ++i) {
    heavy.push_back(nth_cluster_node(i));
    heavy.back().weight = cluster_map::weight_max;
  }
  auto none = cluster_map::empty(test_cluster).value();
  REQUIRE(none.next(heavy).error().code == ec::bad_argument);
  heavy.back().state = node_state::gone; // it takes no place on the ring
  REQUIRE(none.next(heavy));
}

TEST_CASE("the next map is one epoch on, and leaves the one before as it was") {
  auto before = map_of_up(3);
  auto changed = nth_cluster_node(2, node_state::draining);
  auto after = before.next({changed, nth_cluster_node(10)}).value();
  REQUIRE(after.epoch() == before.epoch() + 1);
  REQUIRE(before.find(nth_node(2))->state == node_state::up);
  REQUIRE(after.find(nth_node(2))->state == node_state::draining);
  REQUIRE(before.find(nth_node(10)) == nullptr);
  REQUIRE(after.nodes().size() == 4);
  REQUIRE(after.nodes()[1].id == nth_node(10)); // by name: "node-10" < "node-2"
  REQUIRE(cluster_map::make(after.message()).value() == after);
  changed.address = "nowhere";
  REQUIRE(before.next({changed}).error().code == ec::bad_argument);
}

TEST_CASE("new data goes to storage nodes that are up and have a weight, old data may be on draining and down ones") {
  std::vector<cluster_node> nodes;
  for (std::size_t i = 1; i <= 5; ++i) nodes.push_back(nth_cluster_node(i, static_cast<node_state>(i)));
  nodes.push_back(nth_cluster_node(6));
  nodes.back().weight = 0;
  nodes.push_back(nth_cluster_node(7));
  nodes.back().roles.storage = false;
  nodes.push_back(nth_cluster_node(8, node_state::up, "z"));
  nodes.back().weight = 2;
  auto map = map_of_nodes(nodes);
  auto places = places_of(map);
  REQUIRE(places.places() == 2);
  auto all = places.clockwise(0, 8);
  std::sort(all.begin(), all.end());
  REQUIRE(all == std::vector<node_id>{nth_node(2), nth_node(8)});
  REQUIRE(places.nodes().back().zone == "z");
  REQUIRE(places.nodes().back().weight == 2);
  REQUIRE(holders_of(map) == std::vector<node_id>{nth_node(2), nth_node(3), nth_node(4), nth_node(6), nth_node(8)});
}

TEST_CASE("each node state has its name") {
  std::vector<std::string_view> names;
  for (int i = 1; i <= 6; ++i) names.push_back(to_string(static_cast<node_state>(i)));
  REQUIRE(names == std::vector<std::string_view>{"joining", "up", "draining", "down", "gone", "unknown"});
}
