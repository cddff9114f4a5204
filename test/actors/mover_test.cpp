#include "actors/mover.hpp"

#include "core/extent_codec.hpp"
#include "core/read_pins.hpp"
#include "core/tables.hpp"
#include "support/cluster_maps.hpp"
#include "support/mock_cluster.hpp"
#include "support/model_metadata.hpp"
#include "support/print_result.hpp"

#include <caf/all.hpp>

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;

namespace {

constexpr stripe_geometry rs32{.k = 3, .m = 2, .piece_bytes = 1024};

class manual_clock final : public wall_clock {
public:
  unix_ms now() const override { return now_ms; }
  unix_ms now_ms = 1'000'000;
};

// Objects on node-0 .. node-4 of seven nodes, and a mover that is told what the map is.
struct mover_fixture {
  mover_fixture() : cluster(7) {
    for (std::size_t i = 0; i < 7; ++i)
      nodes.push_back(nth_cluster_node(i, i < 5 ? node_state::up : node_state::joining));
    metadata = cluster.fx.own(cluster.fx.system.spawn(model_metadata, rows, nullptr));
    see();
  }

  // New content goes to the nodes that are up.
  void see() {
    map = map ? map->next(nodes).value() : map_of_nodes(nodes);
    auto view = std::make_shared<cluster_view>();
    view->places = places_of(*map);
    for (auto& [name, shard] : cluster.shards) {
      auto* n = map->find(node_id{name});
      if (n->state == node_state::gone) view->gone.push_back(n->id);
      view->nodes.emplace_back(n->id, reachable(name) ? caf::actor_cast<shard_actor>(shard) : shard_actor{});
    }
    caf::anon_send(cluster.replicator, view_atom::value, new_view{view});
    if (heal) tell();
    cluster.fx.run();
  }
  void tell() {
    auto view = std::make_shared<healing_view>(*map);
    for (auto& n : nodes)
      if (reachable(n.id.name)) view->reachable.insert(n.id);
    view->active = true;
    caf::anon_send(heal, view_atom::value, new_healing_view{view});
  }
  bool reachable(const std::string& name) const { return !dead.contains(name); }

  void put(const std::string& key, const std::string& content) {
    auto summary = cluster.upload(content, rs32);
    REQUIRE(summary);
    pb::object_record record;
    record.set_size(content.size());
    *record.mutable_extent() = summary->extent;
    rows->put(tables::object("bucket", key), record.SerializeAsString());
    contents[key] = content;
  }
  pb::extent extent_of(const std::string& key) {
    pb::object_record record;
    REQUIRE(record.ParseFromString(rows->get(tables::object("bucket", key)).value().value()));
    return record.extent();
  }
  bool names(const std::string& node) {
    for (auto& [key, content] : contents)
      for (auto& n : map_of(extent_of(key)).value().all_nodes())
        if (n.name == node) return true;
    return false;
  }
  void check_contents() {
    for (auto& [key, content] : contents) {
      auto got = cluster.download(extent_of(key), 0, content.size());
      REQUIRE(got);
      CHECK(*got == content);
    }
  }
  void start() {
    mover_options o;
    o.metadata = metadata;
    o.replicator = cluster.replicator;
    o.pins = &pins;
    o.clock = &clock;
    o.delay = 60s;
    o.vacated_grace = 10s;
    o.bytes_per_second = 1 << 30;
    heal = cluster.fx.own(cluster.fx.system.spawn(mover, std::move(o)));
    tell();
    cluster.fx.advance(3s);
  }
  void pass(std::chrono::seconds s) {
    for (; s > 0s; s -= 1s) {
      clock.now_ms += 1000;
      cluster.fx.advance(1s);
    }
  }
  pb::healing_status status() {
    auto a = cluster.fx.ask<wire<pb::healing_status>>(heal, status_atom::value);
    return *cluster.fx.wait(a).value();
  }
  std::size_t pieces_on(const std::string& node) { return cluster.node(node).pieces.size(); }
  bool row_there(const std::string& key) { return rows->get(key).value().has_value(); }

  manual_clock clock;
  read_pins pins;
  std::shared_ptr<state> rows = std::make_shared<state>(make_memory_base());
  mock_cluster cluster;
  metadata_actor metadata;
  std::vector<cluster_node> nodes;
  std::optional<cluster_map> map;
  std::set<std::string> dead;
  std::map<std::string, std::string> contents;
  mover_actor heal;
};

void put_some(mover_fixture& f, int n = 10) {
  for (int i = 0; i < n; ++i) f.put("key-" + std::to_string(i), content_of(static_cast<std::uint64_t>(i), 7000));
}

} // namespace

TEST_CASE("nothing moves while every node is where it should be", "[mover]") {
  mover_fixture f;
  put_some(f);
  f.start();
  f.pass(5s);
  auto s = f.status();
  CHECK(s.extents_moved() == 0);
  CHECK(s.walks() >= 1);
  CHECK(s.stuck() == 0);
}

TEST_CASE("a drained node is named by no row in the end, holds nothing, and is noted as emptied", "[mover]") {
  mover_fixture f;
  put_some(f);
  REQUIRE(f.names("node-2"));
  f.start();
  f.nodes[5].state = node_state::up; // somewhere to go
  f.nodes[2].state = node_state::draining;
  f.nodes[2].since_ms = 77;
  f.see();
  f.pass(30s);
  CHECK(!f.names("node-2"));
  CHECK(f.pieces_on("node-2") == 0);
  CHECK(f.rows->get(emptied_row(node_id{"node-2"})).value() == "77");
  f.check_contents();
  CHECK(f.status().bytes_moved() > 0);
}

TEST_CASE("the pieces of a node that is down for long are made anew elsewhere", "[mover]") {
  mover_fixture f;
  put_some(f);
  f.start();
  f.dead = {"node-1"};
  f.cluster.node("node-1").fail_all(ec::unavailable);
  f.nodes[5].state = f.nodes[6].state = node_state::up;
  f.nodes[1].state = node_state::down;
  f.nodes[1].since_ms = f.clock.now_ms;
  f.see();
  f.pass(30s);
  CHECK(f.names("node-1")); // it may come back: the delay is a minute
  f.pass(60s);
  CHECK(!f.names("node-1"));
  f.check_contents();
  for (auto& [key, content] : f.contents)
    CHECK(f.row_there(tables::vacated_row(data_id::from_bytes(f.extent_of(key).data_id()))));
  SECTION("and what it still holds is removed when it returns") {
    f.cluster.node("node-1").heal();
    f.dead.clear();
    f.nodes[1].state = node_state::draining; // so that nothing comes back to it
    f.see();
    f.pass(30s);
    CHECK(f.pieces_on("node-1") == 0);
  }
}

TEST_CASE("a node that joins gets what the ring gives it, and what it got is gone elsewhere", "[mover]") {
  mover_fixture f;
  put_some(f, 20);
  f.start();
  auto before = f.cluster.pieces_stored();
  f.nodes[5].state = node_state::up;
  f.see();
  f.pass(120s);
  CHECK(f.names("node-5"));
  CHECK(f.pieces_on("node-5") > 0);
  CHECK(f.cluster.pieces_stored() == before);
  f.check_contents();
}

TEST_CASE("what is being read keeps its old pieces until it has been read", "[mover]") {
  mover_fixture f;
  put_some(f, 1);
  auto old = f.extent_of("key-0");
  auto pin = f.pins.hold(data_id::from_bytes(old.data_id()));
  f.start();
  f.nodes[5].state = node_state::up;
  f.nodes[0].state = node_state::draining;
  f.see();
  f.pass(60s);
  CHECK(!f.names("node-0"));
  CHECK(f.pieces_on("node-0") > 0);
  auto got = f.cluster.download(old, 0, f.contents["key-0"].size());
  REQUIRE(got);
  CHECK(*got == f.contents["key-0"]);
}

TEST_CASE("an overwrite during the move wins, and the copies are removed again", "[mover]") {
  mover_fixture f;
  put_some(f, 1);
  auto old = f.extent_of("key-0");
  f.start();
  for (auto& [name, script] : f.cluster.scripts) script->on_sync = ec::timeout; // the move waits for its sync
  f.nodes[5].state = node_state::up;
  f.nodes[0].state = node_state::draining;
  f.see();
  f.cluster.fx.advance(2s);
  auto kept = f.contents;
  pb::object_record other; // by somebody else
  other.set_inlined(true);
  f.rows->put(tables::object("bucket", "key-0"), other.SerializeAsString());
  f.contents.clear();
  for (auto& [name, script] : f.cluster.scripts) script->heal();
  f.cluster.answer_oldest();
  f.pass(60s);
  pb::object_record now;
  REQUIRE(now.ParseFromString(f.rows->get(tables::object("bucket", "key-0")).value().value()));
  CHECK(now.inlined());
  CHECK(f.pieces_on("node-5") == 0);
}

TEST_CASE("with nowhere to go pieces stay, and that is told", "[mover]") {
  mover_fixture f;
  put_some(f, 3);
  f.start();
  f.nodes[3].state = node_state::draining; // four are left for five pieces
  f.see();
  f.pass(10s);
  CHECK(f.names("node-3"));
  CHECK(f.status().stuck() == 3);
  CHECK(!f.row_there(emptied_row(node_id{"node-3"})));
  f.check_contents();
}

namespace {

pb::heal_report order(mover_fixture& f, pb::heal_order::kinds kind) {
  pb::heal_order o;
  o.set_kind(kind);
  auto a = f.cluster.fx.ask<wire<pb::heal_report>>(f.heal, heal_atom::value, wire<pb::heal_order>{std::move(o)});
  return *f.cluster.fx.wait(a).value();
}

} // namespace

TEST_CASE("an order to rebalance walks at once, and ends with a walk that found nothing", "[mover]") {
  mover_fixture f;
  put_some(f);
  f.start();
  f.pass(3s); // now it waits for a minute
  auto walks = f.status().walks();
  auto said = order(f, pb::heal_order::rebalance);
  CHECK(said.active());
  CHECK(said.rebalancing());
  CHECK(said.walk_extents_before() == 10);
  f.pass(3s);
  CHECK(f.status().walks() > walks);
  CHECK_FALSE(order(f, pb::heal_order::look).rebalancing());
}

TEST_CASE("an order to rebalance does not wait for a node that is down", "[mover]") {
  mover_fixture f;
  put_some(f);
  f.start();
  f.dead = {"node-1"};
  f.cluster.node("node-1").fail_all(ec::unavailable);
  f.nodes[5].state = f.nodes[6].state = node_state::up;
  f.nodes[1].state = node_state::down;
  f.nodes[1].since_ms = f.clock.now_ms;
  f.see();
  f.pass(5s);
  REQUIRE(f.names("node-1"));
  order(f, pb::heal_order::rebalance);
  f.pass(30s);
  CHECK(!f.names("node-1"));
  CHECK_FALSE(order(f, pb::heal_order::look).rebalancing());
  f.check_contents();
}
