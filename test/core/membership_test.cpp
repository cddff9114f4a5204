#include "core/membership.hpp"
#include "support/cluster_maps.hpp"
#include "support/print_result.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>

using namespace troupe;
using namespace std::chrono_literals;

namespace {

constexpr unix_ms wall = 1'800'000'000'000;

node_sighting sighting(
  std::size_t i, member_status status = member_status::alive, std::chrono::milliseconds since = 0ms) {
  auto n = nth_cluster_node(i);
  node_sighting s;
  s.id = n.id;
  s.address = n.address;
  s.status = status;
  s.since = since;
  return s;
}

node_announcement all_roles() {
  node_announcement said;
  said.roles = {.storage = true, .metadata = true, .coordinator = true};
  return said;
}

// An hour after this process began; everybody of node-1 .. node-n is alive.
membership_view view_of(std::size_t n) {
  membership_view v;
  for (std::size_t i = 1; i <= n; ++i) v.nodes.push_back(sighting(i));
  v.now = 1h;
  v.now_ms = wall;
  return v;
}

membership_view with_dead(membership_view v, std::vector<std::size_t> dead, std::chrono::milliseconds how_long) {
  for (auto i : dead) v.nodes[i - 1] = sighting(i, member_status::dead, v.now - how_long);
  return v;
}

node_state state_of(const cluster_map& map, std::size_t i) { return map.find(nth_node(i))->state; }

bool mentions(const std::vector<std::string>& lines, const std::string& what) {
  return std::any_of(lines.begin(), lines.end(), [&](auto& l) { return l.find(what) != std::string::npos; });
}

} // namespace

TEST_CASE("a cluster whose nodes are all up and alive stays as it is") {
  auto d = decide(map_of_up(5), view_of(5), {});
  REQUIRE_FALSE(d.next);
  REQUIRE(d.reasons.empty());
  REQUIRE(d.refusals.empty());
}

TEST_CASE("an alive node that the configuration lists joins with what is listed, and is up in the map after that") {
  auto map = cluster_map::empty(test_cluster).value();
  auto view = view_of(3);
  for (std::size_t i = 1; i <= 4; ++i) { // the fourth is not alive
    view.listed.push_back(nth_cluster_node(i, node_state::gone, "zone-" + std::to_string(i)));
    view.listed.back().weight = 7;
    view.listed.back().address = "storage:1";
  }
  auto joined = decide(map, view, {});
  REQUIRE(joined.next);
  REQUIRE(joined.next->epoch() == 1);
  REQUIRE(joined.next->nodes().size() == 3);
  REQUIRE(joined.reasons.size() == 3);
  for (auto& n : joined.next->nodes()) {
    REQUIRE(n.state == node_state::joining);
    REQUIRE(n.since_ms == wall);
    REQUIRE(n.weight == 7);
  }
  REQUIRE(joined.next->nodes()[0].address == "10.0.0.1:9101"); // where it really is
  REQUIRE(joined.next->nodes()[0].zone == "zone-1");

  view.now_ms += 5;
  auto up = decide(*joined.next, view, {});
  REQUIRE(up.next->epoch() == 2);
  for (auto& n : up.next->nodes()) {
    REQUIRE(n.state == node_state::up);
    REQUIRE(n.since_ms == wall + 5);
  }
  REQUIRE_FALSE(decide(*up.next, view, {}).next);
}

TEST_CASE("a node that is not listed joins once it announces itself, unless that is switched off") {
  auto map = map_of_up(3);
  auto view = view_of(4);
  REQUIRE_FALSE(decide(map, view, {}).next); // only a name so far
  view.nodes[3].announced = all_roles();
  view.nodes[3].announced->zone = "b";
  view.nodes[3].announced->weight = 2;
  auto d = decide(map, view, {});
  REQUIRE(d.next);
  auto& n = *d.next->find(nth_node(4));
  REQUIRE(n.state == node_state::joining);
  REQUIRE(n.zone == "b");
  REQUIRE(n.weight == 2);
  REQUIRE(n.roles.storage);
  REQUIRE(n.address == "10.0.0.4:9101");

  auto refused = decide(map, view, {.admit_unlisted = false});
  REQUIRE_FALSE(refused.next);
  REQUIRE(mentions(refused.refusals, "node-4 is alive at 10.0.0.4:9101, but is not in the configuration"));
}

TEST_CASE("an unknown node that is suspect or dead does not join, and a joining one stays joining until it is alive") {
  auto map = map_of_up(3).next({nth_cluster_node(4, node_state::joining)}).value();
  for (auto status : {member_status::suspect, member_status::dead}) {
    auto view = view_of(5);
    view.nodes[3] = sighting(4, status);
    view.nodes[4] = sighting(5, status);
    view.nodes[4].announced = all_roles();
    REQUIRE_FALSE(decide(map, view, {}).next);
  }
  REQUIRE_FALSE(decide(map, view_of(3), {}).next);
  REQUIRE(state_of(*decide(map, view_of(4), {}).next, 4) == node_state::up);
}

TEST_CASE("a node is down once it has been dead for down_after, not before, and up again when it is alive") {
  auto map = map_of_up(5);
  membership_options options{.down_after = 30s};
  REQUIRE_FALSE(decide(map, with_dead(view_of(5), {2}, 29'999ms), options).next);
  auto suspects = view_of(5);
  suspects.nodes[1].status = member_status::suspect;
  REQUIRE_FALSE(decide(map, suspects, options).next); // for an hour
  auto down = decide(map, with_dead(view_of(5), {2}, 30s), options);
  REQUIRE(down.next);
  REQUIRE(down.next->epoch() == map.epoch() + 1);
  REQUIRE(state_of(*down.next, 2) == node_state::down);
  REQUIRE(down.next->find(nth_node(2))->since_ms == wall);
  REQUIRE(down.reasons == std::vector<std::string>{"node-2 has been dead for 30 s: up -> down"});
  REQUIRE_FALSE(decide(*down.next, with_dead(view_of(5), {2}, 50s), options).next);
  auto up = decide(*down.next, view_of(5), options);
  REQUIRE(state_of(*up.next, 2) == node_state::up);
  REQUIRE(up.reasons == std::vector<std::string>{"node-2 is alive again: down -> up"});
}

TEST_CASE("a wall clock that jumps marks nobody down") {
  auto view = with_dead(view_of(5), {2}, 10s);
  for (unix_ms jump : {-1'000'000'000, 1'000'000'000}) {
    view.now_ms = wall + jump;
    REQUIRE_FALSE(decide(map_of_up(5), view, {.down_after = 30s}).next);
  }
}

TEST_CASE("a node that gossip has never heard of, or forgot, counts as dead since this process began to watch") {
  auto map = map_of_up(5);
  auto view = view_of(4);
  view.watching_since = view.now - 20s;
  REQUIRE_FALSE(decide(map, view, {.down_after = 30s}).next); // a new leader gives everybody time to be heard of
  view.watching_since = view.now - 31s;
  auto d = decide(map, view, {.down_after = 30s});
  REQUIRE(state_of(*d.next, 5) == node_state::down);
  REQUIRE(mentions(d.reasons, "node-5 has not been heard of for 31 s"));
}

TEST_CASE("a leader that sees fewer than half of the nodes alive calls nobody down, and says so") {
  auto map = map_of_up(5);
  auto cut_off = decide(map, with_dead(view_of(5), {1, 2, 3}, 1min), {});
  REQUIRE_FALSE(cut_off.next);
  REQUIRE(cut_off.refusals.size() == 1);
  REQUIRE(mentions(cut_off.refusals, "node-1, node-2, node-3 would be down, but only 2 of 5 nodes are alive"));
  auto majority = decide(map, with_dead(view_of(5), {1, 2}, 1min), {});
  REQUIRE(majority.next);
  REQUIRE(majority.refusals.empty());
  // Half is enough: of two nodes one may be lost.
  REQUIRE(decide(map_of_up(2), with_dead(view_of(2), {2}, 1min), {}).next);
  REQUIRE(decide(map_of_up(4), with_dead(view_of(4), {1, 2}, 1min), {}).next);
}

TEST_CASE("a suspect is not alive for a leader that asks itself whether it is cut off") {
  auto view = with_dead(view_of(5), {1}, 1min);
  for (std::size_t i : {2u, 3u}) view.nodes[i - 1].status = member_status::suspect;
  REQUIRE_FALSE(decide(map_of_up(5), view, {}).next);
}

TEST_CASE("nodes that were never up, and removed ones, do not make a leader think that it is cut off") {
  auto map = map_of_up(9);
  for (std::size_t i : {4u, 5u, 6u}) map = with_state(map, i, node_state::joining);
  for (std::size_t i : {7u, 8u, 9u}) map = with_state(map, i, node_state::gone);
  auto d = decide(map, with_dead(view_of(3), {3}, 1min), {});
  REQUIRE(d.next);
  REQUIRE(state_of(*d.next, 3) == node_state::down);
  // Those that are down already count: the last ones standing are no majority.
  auto two_down = with_state(with_state(map_of_up(5), 1, node_state::down), 2, node_state::down);
  REQUIRE_FALSE(decide(two_down, with_dead(view_of(5), {1, 2, 3}, 1min), {}).next);
}

TEST_CASE("who is cut off still takes in who returns") {
  auto map = with_state(map_of_up(5), 2, node_state::down);
  auto d = decide(map, with_dead(view_of(5), {3, 4, 5}, 1min), {});
  REQUIRE(d.next);
  REQUIRE(state_of(*d.next, 2) == node_state::up);
  REQUIRE(state_of(*d.next, 3) == node_state::up);
  REQUIRE(d.refusals.size() == 1);
}

TEST_CASE("a draining node stays draining when it dies and returns, and is gone when no record names it") {
  auto map = with_state(map_of_up(6), 6, node_state::draining);
  REQUIRE_FALSE(decide(map, with_dead(view_of(6), {6}, 1h), {}).next);
  REQUIRE_FALSE(decide(map, view_of(6), {}).next);
  for (bool alive : {true, false}) {
    auto view = alive ? view_of(6) : with_dead(view_of(6), {6}, 1min);
    view.emptied = {nth_node(6)};
    auto d = decide(map, view, {});
    REQUIRE(state_of(*d.next, 6) == node_state::gone);
    REQUIRE(mentions(d.reasons, "draining -> gone"));
  }
}

TEST_CASE("only a draining node is gone when it is said to be empty") {
  for (auto state : {node_state::joining, node_state::up, node_state::down}) {
    auto map = with_state(map_of_up(6), 6, state);
    auto view = with_dead(view_of(6), {6}, 1s);
    view.emptied = {nth_node(6), nth_node(77)};
    REQUIRE_FALSE(decide(map, view, {}).next);
  }
}

TEST_CASE("gone is final: an alive node with a removed name is refused") {
  auto map = with_state(map_of_up(5), 5, node_state::gone);
  auto view = view_of(5);
  view.nodes[4].announced = all_roles();
  view.nodes[4].address = "10.0.0.99:9101";
  view.listed.push_back(nth_cluster_node(5));
  auto d = decide(map, view, {});
  REQUIRE_FALSE(d.next);
  REQUIRE(mentions(d.refusals, "node-5 is alive at 10.0.0.99:9101, but a node of that name was removed"));
  view.nodes[4].status = member_status::dead;
  REQUIRE(decide(map, view, {}).refusals.empty());
}

TEST_CASE("address, zone, weight, roles and Raft id that an alive node announces are taken over") {
  auto map = map_of_up(5);
  auto view = view_of(5);
  view.nodes[2].address = "10.1.1.3:9101";
  view.nodes[2].announced = all_roles();
  view.nodes[2].announced->zone = "b";
  view.nodes[2].announced->weight = 4;
  view.nodes[2].announced->raft_id = 3;
  view.nodes[2].announced->roles.coordinator = false;
  auto d = decide(map, view, {});
  auto& n = *d.next->find(nth_node(3));
  REQUIRE(n.address == "10.1.1.3:9101");
  REQUIRE(n.zone == "b");
  REQUIRE(n.weight == 4);
  REQUIRE(n.raft_id == 3);
  REQUIRE_FALSE(n.roles.coordinator);
  REQUIRE(n.state == node_state::up);
  REQUIRE(n.since_ms == 0); // of the state, which is as before
  REQUIRE(d.reasons ==
    std::vector<std::string>{"node-3: address 10.0.0.3:9101 -> 10.1.1.3:9101", "node-3: zone '' -> 'b'",
      "node-3: weight 1 -> 4", "node-3: Raft id 0 -> 3",
      "node-3: roles storage+metadata+coordinator -> storage+metadata"});
  REQUIRE_FALSE(decide(*d.next, view, {}).next);

  view.nodes[2].announced->zone.reset(); // it says nothing
  view.nodes[2].announced->weight.reset();
  REQUIRE_FALSE(decide(*d.next, view, {}).next);
  view.nodes[2].status = member_status::suspect; // what a suspect said may be old
  view.nodes[2].announced->zone = "c";
  REQUIRE_FALSE(decide(*d.next, view, {}).next);
}

TEST_CASE("what a node announced before does not undo the weight that an operator set, a new word does") {
  auto view = view_of(3);
  view.nodes[0].announced = all_roles();
  view.nodes[0].announced->weight = 2;
  auto map = *decide(map_of_up(3), view, {}).next;
  auto set = *map.find(nth_node(1));
  set.weight = 9;
  map = map.next({set}).value();
  REQUIRE_FALSE(decide(map, view, {}).next);
  view.nodes[0].announced->weight = 3;
  REQUIRE(decide(map, view, {}).next->find(nth_node(1))->weight == 3);
}

TEST_CASE("a node that returns under another address is up there in one map") {
  auto map = with_state(map_of_up(5), 2, node_state::down);
  auto view = view_of(5);
  view.nodes[1].address = "10.0.7.7:9101";
  auto d = decide(map, view, {});
  REQUIRE(d.next->epoch() == map.epoch() + 1);
  REQUIRE(d.next->find(nth_node(2))->address == "10.0.7.7:9101");
  REQUIRE(state_of(*d.next, 2) == node_state::up);
  REQUIRE(d.reasons.size() == 2);
}

TEST_CASE("a node that may hold data does not lose the storage role by announcing so") {
  auto view = view_of(5);
  view.nodes[2].announced = all_roles();
  view.nodes[2].announced->roles.storage = false;
  auto d = decide(map_of_up(5), view, {});
  REQUIRE_FALSE(d.next);
  REQUIRE(mentions(d.refusals, "node-3 no longer announces the storage role"));
}

TEST_CASE("one node's announcement that breaks a bound is refused, and keeps nothing else back") {
  auto map = with_state(map_of_up(5), 4, node_state::down);
  auto view = with_dead(view_of(5), {5}, 1min);
  view.nodes[1].announced = all_roles();
  view.nodes[1].announced->weight = 101;
  view.nodes[1].address = "10.2.2.2:9101";
  view.nodes[2].announced = all_roles();
  view.nodes[2].announced->zone = "no zone";
  for (std::size_t i : {0u, 3u}) {
    view.nodes[i].announced = all_roles();
    view.nodes[i].announced->raft_id = 8; // both: the second one is refused
  }
  auto d = decide(map, view, {});
  REQUIRE(d.next);
  REQUIRE(d.next->find(nth_node(2))->weight == 1);
  REQUIRE(d.next->find(nth_node(2))->address == "10.2.2.2:9101");
  REQUIRE(d.next->find(nth_node(3))->zone.empty());
  REQUIRE(d.next->find(nth_node(1))->raft_id == 8);
  REQUIRE(d.next->find(nth_node(4))->raft_id == 0);
  REQUIRE(state_of(*d.next, 4) == node_state::up);
  REQUIRE(state_of(*d.next, 5) == node_state::down);
  REQUIRE(d.refusals.size() == 3);
}

TEST_CASE("a node whose name or address makes no sense, and the 1001st one, do not join") {
  auto view = view_of(4);
  view.nodes[3].announced = all_roles();
  view.nodes[3].id.name = "Node 4";
  auto odd_name = decide(map_of_up(3), view, {});
  REQUIRE_FALSE(odd_name.next);
  REQUIRE(odd_name.refusals.size() == 1);
  view.nodes[3] = sighting(4);
  view.nodes[3].announced = all_roles();
  view.nodes[3].address = "somewhere";
  REQUIRE(decide(map_of_up(3), view, {}).refusals.size() == 1);

  auto full = view_of(1001);
  full.nodes[1000].announced = all_roles();
  auto d = decide(map_of_up(1000), full, {});
  REQUIRE_FALSE(d.next);
  REQUIRE(mentions(d.refusals, "the limit is 1000"));
}

TEST_CASE("a decision depends neither on the order of what was seen nor on how often it is made") {
  std::mt19937_64 random{77};
  for (int round = 0; round < 300; ++round) {
    std::vector<cluster_node> nodes;
    auto view = view_of(12);
    for (std::size_t i = 1; i <= 12; ++i) {
      if (random() % 4 != 0) nodes.push_back(nth_cluster_node(i, static_cast<node_state>(1 + random() % 5)));
      auto& s = view.nodes[i - 1];
      s.status = random() % 4 == 0 ? member_status::dead : random() % 8 == 0 ? member_status::suspect : s.status;
      s.since = view.now - std::chrono::seconds{random() % 60};
      if (random() % 3 != 0) s.announced = all_roles();
      if (s.announced && random() % 2 == 0) s.announced->weight = static_cast<std::uint32_t>(random() % 110);
      if (random() % 3 == 0) view.emptied.push_back(s.id);
    }
    auto map = map_of_nodes(nodes);
    auto first = decide(map, view, {});
    std::shuffle(view.nodes.begin(), view.nodes.end(), random);
    std::shuffle(view.emptied.begin(), view.emptied.end(), random);
    auto second = decide(map, view, {});
    REQUIRE(first.next == second.next);
    REQUIRE(first.reasons == second.reasons);
    REQUIRE(first.refusals == second.refusals);
    REQUIRE(first.reasons.empty() == !first.next);
    // Nothing moves but forward, and in the end all stands still.
    auto now = map;
    int steps = 0;
    for (auto d = first; d.next; d = decide(now, view, {})) {
      REQUIRE(d.next->epoch() == now.epoch() + 1);
      for (auto& n : now.nodes())
        if (n.state == node_state::gone) REQUIRE(*d.next->find(n.id) == n);
      REQUIRE(cluster_map::make(d.next->message()).value() == *d.next);
      now = *d.next;
      REQUIRE(++steps <= 3);
    }
  }
}
