#include "actors/healer.hpp"

#include "actors/cluster_view.hpp"
#include "core/read_pins.hpp"
#include "core/tables.hpp"
#include "support/actor_fixture.hpp"
#include "support/mock_cluster.hpp"
#include "support/model_metadata.hpp"
#include "support/print_result.hpp"

#include <caf/all.hpp>

#include <functional>
#include <set>

using namespace troupe;
using namespace std::chrono_literals;

namespace {

class manual_clock final : public wall_clock {
public:
  unix_ms now() const override { return now_ms; }
  unix_ms now_ms = 1'000'000;
};

struct removals {
  std::set<std::string> removed, repaired, lacking; // data ids
  std::size_t compared = 0;
  std::function<void()> on_compare;
  std::function<void()> on_repair;
  bool refuse = false;
};

replicator_actor::behavior_type counting_replicator(replicator_actor::pointer, std::shared_ptr<removals> log) {
  return {
    [](upload_atom, const upload_options&) -> caf::result<upload_actor> {
      return to_caf(fail(ec::internal, "unexpected upload"));
    },
    [](download_atom, const wire<pb::extent>&, std::uint64_t, std::uint64_t) -> caf::result<download_actor> {
      return to_caf(fail(ec::internal, "unexpected download"));
    },
    [log](remove_atom, const wire<pb::extent>& e) -> caf::result<void> {
      if (log->refuse) return to_caf(fail(ec::unavailable, "a node is down"));
      log->removed.insert(e->data_id());
      return caf::unit;
    },
    [log](compare_atom, const wire<pb::extent>& e) -> caf::result<wire<pb::repair_record>> {
      ++log->compared;
      pb::repair_record found;
      *found.mutable_extent() = *e;
      if (log->lacking.contains(e->data_id())) found.add_missing()->set_node("node-1");
      if (log->on_compare) log->on_compare();
      return wire{std::move(found)};
    },
    [log](repair_atom, const wire<pb::repair_record>& r) -> caf::result<void> {
      if (log->refuse) return to_caf(fail(ec::unavailable, "a node is down"));
      log->repaired.insert(r->extent().data_id());
      if (log->on_repair) log->on_repair();
      return caf::unit;
    },
    [](view_atom, const new_view&) {},
    [](shards_atom) { return new_view{std::make_shared<const cluster_view>()}; },
  };
}

data_id id_of(char c) {
  data_id id;
  id.raw.fill(static_cast<std::byte>(c));
  return id;
}

struct healer_fixture {
  actor_fixture fx;
  manual_clock clock;
  read_pins pins;
  std::shared_ptr<state> rows = std::make_shared<state>(make_memory_base());
  std::shared_ptr<removals> log = std::make_shared<removals>();
  metadata_actor metadata = fx.own(fx.system.spawn(model_metadata, rows, nullptr));
  replicator_actor replicator = fx.own(fx.system.spawn(counting_replicator, log));
  healer_actor heal;

  void start() {
    healer_options o;
    o.metadata = metadata;
    o.replicator = replicator;
    o.pins = &pins;
    o.clock = &clock;
    o.grace_ms = 60'000;
    o.rows_per_step = 2;
    heal = fx.own(fx.system.spawn(healer, o));
  }
  void add_garbage(std::uint32_t n, char table, std::string value) {
    pb::garbage_record row;
    row.set_table(std::string(1, table));
    row.set_value(std::move(value));
    row.set_deleted_ms(clock.now_ms);
    rows->put(tables::garbage_row(7, n), row.SerializeAsString());
  }
  void add_garbage_object(std::uint32_t n, char id) {
    pb::object_record record;
    record.mutable_extent()->set_data_id(id_of(id).to_bytes());
    add_garbage(n, tables::objects, record.SerializeAsString());
  }
  bool garbage_left(std::uint32_t n) { return rows->get(tables::garbage_row(7, n))->has_value(); }
};

} // namespace

TEST_CASE("garbage is reclaimed after the grace period, not before") {
  healer_fixture h;
  for (std::uint32_t i = 0; i < 5; ++i) h.add_garbage_object(i, static_cast<char>('a' + i));
  h.start();
  h.fx.advance(5s);
  CHECK(h.log->removed.empty());
  CHECK(h.garbage_left(0));
  h.clock.now_ms += 60'000;
  h.fx.advance(5s);
  CHECK(h.log->removed.size() == 5);
  for (std::uint32_t i = 0; i < 5; ++i) CHECK_FALSE(h.garbage_left(i));
}

TEST_CASE("content that is being read is reclaimed only when its reader is done") {
  healer_fixture h;
  h.add_garbage_object(0, 'a');
  h.clock.now_ms += 60'000;
  h.start();
  {
    auto reader = h.pins.hold(id_of('a'));
    h.fx.advance(5s);
    CHECK(h.log->removed.empty());
    CHECK(h.garbage_left(0));
  }
  h.fx.advance(5s);
  CHECK(h.log->removed.size() == 1);
  CHECK_FALSE(h.garbage_left(0));
}

TEST_CASE("a row stays until every node confirmed the removal, and does not hold up the others") {
  healer_fixture h;
  h.add_garbage_object(0, 'a');
  h.clock.now_ms += 60'000;
  h.log->refuse = true;
  h.start();
  h.fx.advance(5s);
  CHECK(h.garbage_left(0));
  h.log->refuse = false;
  h.fx.advance(5s);
  CHECK_FALSE(h.garbage_left(0));
}

TEST_CASE("the parts of a manifest are reclaimed with it") {
  healer_fixture h;
  pb::manifest manifest;
  for (char c : {'x', 'y', 'z'}) manifest.add_parts()->mutable_extent()->set_data_id(id_of(c).to_bytes());
  manifest.add_parts()->set_inline_data("small");
  h.rows->put(tables::manifest(id_of('m')), manifest.SerializeAsString());
  pb::object_record record;
  record.set_manifest_id(id_of('m').to_bytes());
  h.add_garbage(0, tables::objects, record.SerializeAsString());
  h.clock.now_ms += 60'000;
  h.start();
  {
    auto reader = h.pins.hold(id_of('y'));
    h.fx.advance(5s);
    CHECK(h.log->removed.empty());
  }
  h.fx.advance(5s);
  CHECK(h.log->removed == std::set<std::string>{id_of('x').to_bytes(), id_of('y').to_bytes(), id_of('z').to_bytes()});
  CHECK_FALSE(h.rows->get(tables::manifest(id_of('m')))->has_value());
  CHECK_FALSE(h.garbage_left(0));
}

TEST_CASE("garbage that names no content goes at once, and unreadable garbage stays") {
  healer_fixture h;
  pb::object_record inlined;
  inlined.set_inlined(true);
  h.add_garbage(0, tables::objects, inlined.SerializeAsString());
  h.add_garbage(1, tables::objects, "\xff\xff\xff");
  h.clock.now_ms += 60'000;
  h.start();
  h.fx.advance(5s);
  CHECK_FALSE(h.garbage_left(0));
  CHECK(h.garbage_left(1));
  CHECK(h.log->removed.empty());
}

TEST_CASE("what was written in part is completed, and its row goes then") {
  healer_fixture h;
  for (char c : {'a', 'b', 'c'}) {
    pb::repair_record record;
    record.mutable_extent()->set_data_id(id_of(c).to_bytes());
    h.rows->put(tables::repair(id_of(c)), record.SerializeAsString());
  }
  h.rows->put(tables::repair(id_of('d')), "\xff\xff\xff"); // stays, and holds up nobody
  auto row_left = [&](char c) { return h.rows->get(tables::repair(id_of(c)))->has_value(); };
  h.log->refuse = true;
  h.start();
  h.fx.advance(20s);
  CHECK(row_left('a'));
  CHECK(h.log->repaired.empty());
  h.log->refuse = false;
  h.fx.advance(20s);
  CHECK(h.log->repaired.size() == 3);
  for (char c : {'a', 'b', 'c'}) CHECK_FALSE(row_left(c));
  CHECK(row_left('d'));
  CHECK(h.log->removed.empty());
}

TEST_CASE("pieces made anew for content that was reclaimed meanwhile are removed again") {
  healer_fixture h;
  pb::repair_record record;
  record.mutable_extent()->set_data_id(id_of('a').to_bytes());
  h.rows->put(tables::repair(id_of('a')), record.SerializeAsString());
  h.log->on_repair = [&] { h.rows->erase(tables::repair(id_of('a'))); };
  h.start();
  h.fx.advance(5s);
  CHECK(h.log->removed == std::set<std::string>{id_of('a').to_bytes()});
}

TEST_CASE("what nodes lack is noted and made anew, whichever row names it") {
  healer_fixture h;
  pb::object_record object;
  object.mutable_extent()->set_data_id(id_of('o').to_bytes());
  h.rows->put(tables::object("bkt", "k"), object.SerializeAsString());
  for (int i = 0; i < 5; ++i) { // all is there; more than a page of rows
    object.mutable_extent()->set_data_id(id_of(static_cast<char>('0' + i)).to_bytes());
    h.rows->put(tables::object("bkt", "whole" + std::to_string(i)), object.SerializeAsString());
  }
  pb::object_record inlined;
  inlined.set_inlined(true);
  h.rows->put(tables::object("bkt", "inlined"), inlined.SerializeAsString());
  pb::part_record part;
  part.mutable_extent()->set_data_id(id_of('p').to_bytes());
  h.rows->put(tables::part(id_of('u'), 1), part.SerializeAsString());
  pb::manifest manifest;
  for (char c : {'m', 'n'}) manifest.add_parts()->mutable_extent()->set_data_id(id_of(c).to_bytes());
  h.rows->put(tables::manifest(id_of('x')), manifest.SerializeAsString());
  for (char c : {'o', 'p', 'n'}) h.log->lacking.insert(id_of(c).to_bytes());
  h.start();
  auto lacking = h.log->lacking;
  h.log->on_repair = [&] { h.log->lacking.clear(); };
  h.fx.advance(30s);
  CHECK(h.log->compared == 9);
  CHECK(h.log->repaired == lacking);
  h.fx.advance(caf::timespan{61min});
  CHECK(h.log->compared == 18);
}

TEST_CASE("what was deleted while it was compared is not noted") {
  healer_fixture h;
  pb::object_record object;
  object.mutable_extent()->set_data_id(id_of('o').to_bytes());
  h.rows->put(tables::object("bkt", "k"), object.SerializeAsString());
  h.log->lacking.insert(id_of('o').to_bytes());
  h.log->on_compare = [&] { h.rows->erase(tables::object("bkt", "k")); };
  h.start();
  h.fx.advance(30s);
  CHECK(h.log->compared == 1);
  CHECK(h.log->repaired.empty());
  CHECK_FALSE(h.rows->get(tables::repair(id_of('o')))->has_value());
}

// ---- the watch over nodes, with a cluster of mock shards -------------------------------------------------------------

namespace {

struct watched_cluster {
  watched_cluster() : cluster(5) {
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
    heal = cluster.fx.own(cluster.fx.system.spawn(healer, std::move(o)));
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

TEST_CASE("the report is written when something changed, not all the time") {
  watched_cluster w;
  w.cluster.fx.advance(20s);
  w.clock.now_ms += 1000;
  auto at = w.report().at_ms();
  w.cluster.fx.advance(60s);
  CHECK(w.report().at_ms() == at);
}
