#include "actors/sweeper.hpp"

#include "actors/healing_view.hpp"
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

// The actor system's virtual time.
class virtual_clock final : public wall_clock {
public:
  explicit virtual_clock(actor_fixture& fx) : fx_(fx) {}
  unix_ms now() const override {
    auto since = fx_.system.clock().now().time_since_epoch();
    return 1'800'000'000'000 + std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
  }

private:
  actor_fixture& fx_;
};

// Says that some content is in use, or that it does not know.
readers_actor::behavior_type mock_readers(
  readers_actor::pointer, const std::shared_ptr<std::set<std::string>>& used, const std::shared_ptr<bool>& silent) {
  return {
    [=](pinned_atom, const wire<pb::data_ids>& asked) -> caf::result<wire<pb::data_ids>> {
      if (*silent) return to_caf(fail(ec::unavailable, "a coordinator does not answer"));
      pb::data_ids held;
      for (auto& id : asked->ids())
        if (used->contains(id)) held.add_ids(id);
      return wire{std::move(held)};
    },
    [](view_atom, const new_healing_view&) {},
  };
}

struct sweeper_fixture {
  sweeper_fixture() : cluster(5) {
    metadata = cluster.fx.own(cluster.fx.system.spawn(model_metadata, rows, outcome));
    readers = cluster.fx.own(cluster.fx.system.spawn(mock_readers, used, silent));
  }
  void start(bool clustered = true) {
    sweeper_options o;
    o.metadata = metadata;
    o.replicator = cluster.replicator;
    o.pins = &cluster.pins;
    o.readers = clustered ? readers : readers_actor{};
    o.clock = &clock;
    o.clustered = clustered;
    if (!clustered) o.era = era;
    o.grace = 24h;
    o.interval = 6h;
    o.rows_per_page = 3;
    o.ids_per_page = 2;
    sweep = cluster.fx.own(cluster.fx.system.spawn(sweeper, std::move(o)));
    auto view = std::make_shared<healing_view>(map_of_up(5));
    view->active = true;
    if (clustered) caf::anon_send(sweep, view_atom::value, new_healing_view{view});
  }
  // Content on the nodes; nothing names it.
  pb::extent store(std::uint64_t seed, std::size_t bytes = 5000) {
    auto summary = cluster.upload(content_of(seed, bytes), rs32);
    REQUIRE(summary);
    return summary->extent;
  }
  void name(const std::string& key, const pb::extent& extent) {
    pb::object_record record;
    record.set_size(extent.size());
    *record.mutable_extent() = extent;
    rows->put(tables::object("bucket", key), record.SerializeAsString());
  }
  bool held(const pb::extent& e) {
    for (auto& [node, script] : cluster.scripts)
      for (auto& [key, bytes] : script->pieces)
        if (key.id.to_bytes() == e.data_id()) return true;
    return false;
  }
  bool row(const std::string& key) { return rows->get(key).value().has_value(); }
  bool condemned(const pb::extent& e) { return row(tables::condemned_row(data_id::from_bytes(e.data_id()))); }
  void pass(std::chrono::hours h) { cluster.fx.advance(caf::timespan{h}, 30s); }
  pb::sweep_status status() {
    auto a = cluster.fx.ask<wire<pb::sweep_status>>(sweep, status_atom::value);
    return *cluster.fx.wait(a).value();
  }

  std::shared_ptr<state> rows = std::make_shared<state>(make_memory_base());
  std::shared_ptr<std::optional<ec>> outcome = std::make_shared<std::optional<ec>>();
  std::shared_ptr<std::set<std::string>> used = std::make_shared<std::set<std::string>>();
  std::shared_ptr<bool> silent = std::make_shared<bool>(false);
  mock_cluster cluster;
  virtual_clock clock{cluster.fx};
  std::shared_ptr<known_upload_era> era = std::make_shared<known_upload_era>();
  metadata_actor metadata;
  readers_actor readers;
  sweeper_actor sweep;
};

} // namespace

TEST_CASE("pieces that nothing names are removed after the grace, all others stay", "[sweeper]") {
  sweeper_fixture f;
  std::vector<pb::extent> named, orphans;
  for (std::uint64_t i = 0; i < 7; ++i) named.push_back(f.store(i));
  for (std::uint64_t i = 0; i < 3; ++i) orphans.push_back(f.store(100 + i));
  for (std::size_t i = 0; i < 4; ++i) f.name("key-" + std::to_string(i), named[i]);
  pb::part_record part;
  *part.mutable_extent() = named[4];
  f.rows->put(tables::part(data_id{}, 1), part.SerializeAsString());
  pb::manifest manifest;
  *manifest.add_parts()->mutable_extent() = named[5];
  f.rows->put(tables::manifest(data_id{}), manifest.SerializeAsString());
  pb::garbage_record garbage; // the healer's
  garbage.set_table("p");
  *part.mutable_extent() = named[6];
  garbage.set_value(part.SerializeAsString());
  f.rows->put(tables::garbage_row(1, 1), garbage.SerializeAsString());
  f.start();
  f.pass(24h);
  for (auto& e : orphans) CHECK(f.held(e));
  CHECK(f.status().suspects() == 3);
  f.pass(7h);
  for (auto& e : orphans) {
    CHECK_FALSE(f.held(e));
    CHECK(f.condemned(e)); // a commit may be late
  }
  for (auto& e : named) {
    CHECK(f.held(e));
    CHECK_FALSE(f.condemned(e));
  }
  auto s = f.status();
  CHECK(s.removed() == 3);
  CHECK(s.suspects() == 0);
  CHECK(s.job().extents_total() == 6);
}

TEST_CASE("in one process, too", "[sweeper]") {
  sweeper_fixture f;
  auto orphan = f.store(1);
  f.start(false);
  f.pass(31h);
  CHECK_FALSE(f.held(orphan));
}

TEST_CASE("an upload that goes on is not condemned, wherever it is, however long it takes", "[sweeper]") {
  sweeper_fixture f;
  auto slow = f.store(1);
  f.used->insert(slow.data_id());
  f.start();
  f.pass(72h);
  CHECK(f.held(slow));
  CHECK_FALSE(f.condemned(slow));
  f.used->clear();
  f.pass(31h);
  CHECK_FALSE(f.held(slow));
}

TEST_CASE("a session of this process holds its content until its commit has been answered", "[sweeper]") {
  sweeper_fixture f;
  f.start(false);
  auto content = content_of(1, 5000);
  auto summary = f.cluster.upload(content, rs32);
  REQUIRE(summary);
  f.pass(72h);
  CHECK(f.held(summary->extent));
  auto extent = summary->extent;
  summary = fail(ec::internal, "over");
  f.pass(31h);
  CHECK_FALSE(f.held(extent));
}

TEST_CASE("nothing is condemned while a process does not say what it writes", "[sweeper]") {
  sweeper_fixture f;
  auto orphan = f.store(1);
  *f.silent = true;
  f.start();
  f.pass(72h);
  CHECK(f.held(orphan));
  CHECK_FALSE(f.condemned(orphan));
  *f.silent = false;
  f.pass(7h);
  CHECK_FALSE(f.held(orphan));
}

TEST_CASE("nothing is removed while whether it was condemned is not known", "[sweeper]") {
  sweeper_fixture f;
  auto orphan = f.store(1);
  *f.outcome = ec::timeout;
  f.start();
  f.pass(72h);
  CHECK(f.held(orphan));
  f.outcome->reset();
  f.pass(7h);
  CHECK_FALSE(f.held(orphan));
}

TEST_CASE("what was named between the last walk and its condemnation is pardoned", "[sweeper]") {
  sweeper_fixture f;
  auto late = f.store(1);
  f.start();
  bool condemned = f.cluster.fx.run_until([&] { return f.condemned(late); }, caf::timespan{40h});
  REQUIRE(condemned);
  REQUIRE(f.held(late));
  f.name("late", late); // its commit was in the log before
  f.pass(48h);
  CHECK(f.held(late));
  CHECK_FALSE(f.condemned(late));
}

TEST_CASE("a row that does not parse stops every judgement", "[sweeper]") {
  auto table = GENERATE(tables::objects, tables::parts, tables::manifests, tables::garbage, tables::vacated);
  sweeper_fixture f;
  auto orphan = f.store(1);
  auto key = table == tables::vacated ? tables::vacated_row(data_id{}) : std::string(1, table) + "somewhere";
  f.rows->put(key, "\xff\xff\xff");
  f.start();
  f.pass(72h);
  CHECK(f.held(orphan));
  f.rows->erase(key);
  f.pass(37h);
  CHECK_FALSE(f.held(orphan));
}

TEST_CASE("a node that is away keeps its pieces until it is back", "[sweeper]") {
  sweeper_fixture f;
  auto orphan = f.store(1);
  f.cluster.node("node-3").fail_all(ec::unavailable);
  f.start();
  f.pass(48h);
  std::size_t left = 0;
  for (auto& [name, script] : f.cluster.scripts)
    if (name != "node-3") left += script->pieces.size();
  CHECK(left == 0);
  if (f.cluster.node("node-3").pieces.empty()) return;
  f.cluster.node("node-3").heal();
  f.pass(48h);
  CHECK_FALSE(f.held(orphan));
}

TEST_CASE("pieces on a node that their row does not name are given to table vacated, once", "[sweeper]") {
  sweeper_fixture f;
  auto moved = f.store(1);
  auto elsewhere = moved; // its row says other nodes for all of it
  auto& nodes = *elsewhere.mutable_placements(0)->mutable_nodes();
  auto left = nodes[0];
  nodes[0] = "node-9";
  f.name("moved", elsewhere);
  auto other = f.store(2);
  f.name("other", other);
  f.start();
  f.pass(24h);
  auto key = tables::vacated_row(data_id::from_bytes(moved.data_id()));
  CHECK_FALSE(f.row(key));
  f.pass(7h);
  REQUIRE(f.row(key));
  pb::vacated_record row;
  REQUIRE(row.ParseFromString(*f.rows->get(key).value()));
  CHECK(row.nodes_size() == 1);
  CHECK(row.nodes(0) == left);
  CHECK(f.held(moved)); // the mover removes it there
  CHECK_FALSE(f.row(tables::vacated_row(data_id::from_bytes(other.data_id()))));
  f.pass(48h);
  CHECK(f.status().strays() == 1);
}

TEST_CASE("a process that does not heal sweeps nothing", "[sweeper]") {
  sweeper_fixture f;
  auto orphan = f.store(1);
  f.start();
  auto view = std::make_shared<healing_view>(map_of_up(5));
  caf::anon_send(f.sweep, view_atom::value, new_healing_view{view});
  f.pass(72h);
  CHECK(f.held(orphan));
}

TEST_CASE(
  "the row of what was condemned goes after some weeks, and no commit of its upload is ever taken", "[sweeper]") {
  auto clustered = GENERATE(true, false);
  sweeper_fixture f;
  auto orphan = f.store(1);
  f.start(clustered);
  for (int i = 0; i < 40 && !f.condemned(orphan); ++i) f.pass(1h);
  REQUIRE(f.condemned(orphan));
  auto named_now = [&](bool with_era) {
    pb::batch batch;
    upload_era::add_claim(batch, orphan);
    if (!with_era) batch.mutable_preconditions()->RemoveLast();
    auto& op = *batch.add_operations();
    op.set_kind(pb::operation::put);
    op.set_key(tables::object("bucket", "late"));
    pb::object_record record;
    *record.mutable_extent() = orphan;
    op.set_value(record.SerializeAsString());
    auto a = f.cluster.fx.ask<wire<pb::batch_result>>(f.metadata, commit_atom::value, wire{std::move(batch)});
    return f.cluster.fx.wait(a).value()->applied();
  };
  int days = 0;
  for (; f.condemned(orphan); ++days) {
    REQUIRE(days < 60);
    CHECK_FALSE(named_now(true));
    f.pass(24h);
  }
  CHECK(days > 14);
  CHECK_FALSE(f.held(orphan));
  for (int i = 0; i < 20; ++i) {
    CHECK_FALSE(named_now(true));
    f.pass(24h);
  }
  CHECK(f.era->number() == (clustered ? 0 : 3)); // of a cluster others tell it; it does not go on without need
  CHECK(named_now(false));                       // so it is the era that stopped it
}

TEST_CASE("what a node that is gone held is no suspect", "[sweeper]") {
  sweeper_fixture f;
  auto orphan = f.store(1);
  f.start();
  f.pass(7h);
  REQUIRE(f.status().suspects() == 1);
  auto asked = f.cluster.fx.ask<new_view>(f.cluster.replicator, shards_atom::value);
  cluster_view view = *f.cluster.fx.wait(asked).value().view;
  for (auto& n : view.nodes) view.gone.push_back(n.id);
  view.nodes.clear();
  caf::anon_send(f.cluster.replicator, view_atom::value, new_view{std::make_shared<const cluster_view>(view)});
  f.pass(14h);
  CHECK(f.status().suspects() == 0);
}
