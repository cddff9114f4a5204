// The HEALER's watch over nodes, with a cluster of mock shards.
#include "actors/healer.hpp"
#include "core/read_pins.hpp"
#include "core/tables.hpp"
#include "support/mock_cluster.hpp"
#include "support/model_metadata.hpp"
#include "support/print_result.hpp"

#include <caf/all.hpp>

#include <set>

using namespace troupe;
using namespace std::chrono_literals;

namespace {

class manual_clock final : public wall_clock {
public:
  unix_ms now() const override { return now_ms; }
  unix_ms now_ms = 1'000'000;
};

struct watched_cluster {
  explicit watched_cluster(std::chrono::milliseconds compare_pause = 20ms) : cluster(5) {
    metadata = cluster.fx.own(cluster.fx.system.spawn(model_metadata, rows, nullptr));
    for (int i = 0; i < 4; ++i) {
      auto content = test::content_of(static_cast<std::uint64_t>(i), 5000);
      auto summary = cluster.upload(content, {.k = 3, .m = 2, .piece_bytes = 1024});
      REQUIRE(summary);
      pb::object_record record;
      record.set_size(content.size());
      *record.mutable_extent() = summary->extent;
      rows->put(tables::object("bkt", std::to_string(i)), record.SerializeAsString());
    }
    healer_options o;
    o.metadata = metadata;
    o.replicator = cluster.replicator;
    o.pins = &pins;
    o.clock = &clock;
    o.self = "node-0";
    o.compare_pause = compare_pause;
    heal = cluster.fx.own(cluster.fx.system.spawn(healer, std::move(o)));
  }
  std::uint64_t walks() { // whole comparisons
    auto a = cluster.fx.ask<wire<pb::heal_report>>(heal, heal_atom::value, wire<pb::heal_order>{});
    return cluster.fx.wait(a).value()->comparing().walks();
  }
  pb::healing_report report() {
    pb::healing_report r;
    auto row = rows->get(tables::system_row("healing")).value();
    REQUIRE(row.has_value());
    REQUIRE(r.ParseFromString(*row));
    return r;
  }
  std::set<std::string> comparing() {
    auto r = report();
    return {r.comparing().begin(), r.comparing().end()};
  }
  std::size_t pieces(const std::string& node) { return cluster.node(node).pieces.size(); }

  test::mock_cluster cluster;
  manual_clock clock;
  read_pins pins;
  std::shared_ptr<state> rows = std::make_shared<state>(make_memory_base());
  metadata_actor metadata;
  healer_actor heal;
};

} // namespace

TEST_CASE("a node that restarted is compared at once, and the report says so until that is done") {
  watched_cluster w;
  w.cluster.fx.advance(10s);
  auto at_first = w.report();
  CHECK(at_first.counted());
  CHECK(at_first.comparing_size() == 0);
  CHECK(at_first.under_protected_extents() == 0);
  CHECK(at_first.node() == "node-0");
  auto before = w.pieces("node-2");
  REQUIRE(before != 0);
  auto& lost = w.cluster.node("node-2");
  lost.pieces.clear(); // another disk
  ++lost.instance;
  bool said = w.cluster.fx.run_until([&] { return w.comparing().contains("node-2"); }, 5s);
  CHECK(said);
  CHECK(w.cluster.fx.run_until([&] { return w.pieces("node-2") == before; }, 20s)); // not after an hour
  CHECK(w.cluster.fx.run_until([&] { return w.comparing().empty(); }, 20s));
  CHECK(w.report().under_protected_extents() == 4);
  CHECK(w.report().under_protected_objects() == 4);
  CHECK(w.cluster.fx.run_until([&] { return w.report().under_protected_extents() == 0; }, 90s));
}

TEST_CASE("a node that was away is compared when it returns") {
  watched_cluster w;
  w.cluster.fx.advance(10s);
  auto view = std::make_shared<cluster_view>();
  for (auto& [name, shard] : w.cluster.shards)
    view->nodes.emplace_back(node_id{name}, name == "node-1" ? shard_actor{} : caf::actor_cast<shard_actor>(shard));
  caf::anon_send(w.cluster.replicator, view_atom::value, new_view{view});
  w.cluster.fx.advance(10s);
  CHECK(w.comparing().empty()); // it is not there
  auto& away = w.cluster.node("node-1");
  auto lost = away.pieces.begin()->first;
  away.pieces.erase(lost);
  auto back = std::make_shared<cluster_view>();
  for (auto& [name, shard] : w.cluster.shards)
    back->nodes.emplace_back(node_id{name}, caf::actor_cast<shard_actor>(shard));
  caf::anon_send(w.cluster.replicator, view_atom::value, new_view{back});
  CHECK(w.cluster.fx.run_until([&] { return away.pieces.contains(lost); }, 20s));
}

TEST_CASE("damage that a node finds has it compared at once") {
  watched_cluster w;
  w.cluster.fx.advance(10s);
  auto& node = w.cluster.node("node-3");
  auto lost = node.pieces.begin()->first;
  node.pieces.erase(lost);
  w.cluster.fx.advance(60s);
  CHECK_FALSE(node.pieces.contains(lost)); // nobody looks
  node.damaged_pieces = 1;
  CHECK(w.cluster.fx.run_until([&] { return node.pieces.contains(lost); }, 20s));
}

TEST_CASE("a node that restarts while another one's pieces are made anew does not wait for the recount") {
  watched_cluster w;
  w.cluster.fx.advance(10s);
  auto before = w.pieces("node-3");
  auto walks = w.walks();
  w.cluster.node("node-2").pieces.clear();
  ++w.cluster.node("node-2").instance;
  REQUIRE(w.cluster.fx.run_until([&] { return w.walks() == walks + 1; }, 10s));
  w.cluster.node("node-3").pieces.clear();
  ++w.cluster.node("node-3").instance;
  CHECK(w.cluster.fx.run_until([&] { return w.pieces("node-3") == before; }, 20s));
}

TEST_CASE("a node that comes and goes is compared again and again, but not all the time") {
  bool slow = GENERATE(false, true); // half a minute a walk
  watched_cluster w{slow ? 15s : 1ms};
  w.cluster.fx.advance(90s);
  auto before = w.walks();
  CHECK(before >= 1);
  for (int i = 0; i < 200; ++i) {
    ++w.cluster.node("node-2").instance;
    w.cluster.fx.advance(3s);
  }
  auto made = w.walks() - before;
  CHECK(made >= (slow ? 5 : 60));
  CHECK(made <= (slow ? 11 : 121)); // of 600 s
  if (slow) return;
  // An order does not wait.
  w.cluster.fx.advance(10s);
  before = w.walks();
  ++w.cluster.node("node-2").instance;
  CHECK(w.cluster.fx.run_until([&] { return w.walks() == before + 1; }, 8s));
  pb::heal_order order;
  order.set_kind(pb::heal_order::repair);
  auto a = w.cluster.fx.ask<wire<pb::heal_report>>(w.heal, heal_atom::value, wire{order});
  w.cluster.fx.advance(1s);
  CHECK(w.walks() == before + 2);
}

TEST_CASE("the report is written when something changed, not all the time") {
  watched_cluster w;
  w.cluster.fx.advance(20s);
  w.clock.now_ms += 1000;
  auto at = w.report().at_ms();
  w.cluster.fx.advance(60s);
  CHECK(w.report().at_ms() == at);
}
