#include "volumes/shard_manager.hpp"

#include "support/print_result.hpp"
#include "volumes/volume_fixture.hpp"

#include <catch2/catch.hpp>

#include <filesystem>

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;

namespace {

struct world {
  temporary_directory at;
  set_clock clock;
  set_wall wall;
  std::shared_ptr<memory_catalog> catalog = std::make_shared<memory_catalog>();
  std::shared_ptr<volume> mine = volume_at(at.path(), clock), theirs = volume_at(at.path(), clock);
  shard_manager a = make("a", mine), b = make("b", theirs);

  world() { become_primary("a", *mine, 1); }
  shard_manager make(const std::string& node, std::shared_ptr<volume> v) {
    shard_manager_options o;
    o.node = node;
    o.clock = &wall;
    o.time = &clock;
    return {std::move(o), catalog, {std::move(v)}};
  }
  void become_primary(const std::string& node, volume& v, std::uint64_t token) {
    catalog->holder = row_of(node, token);
    REQUIRE(v.seal(token));
    v.hold(*catalog->holder, lease_guard::for_ever);
    theirs->saw(*catalog->holder);
  }
};

} // namespace

TEST_CASE("a shard belongs to the client that made it") {
  world w;
  auto row = w.a.new_shard("alice", "");
  REQUIRE(row);
  REQUIRE(row->owner() == "alice");
  REQUIRE(w.a.put("alice", row->id(), batch_of({{"k", "v"}})));
  REQUIRE(w.a.put("bob", row->id(), batch_of({{"k", "x"}})).error().code == ec::access_denied);
  REQUIRE(w.a.read("bob", row->id(), false).error().code == ec::access_denied);
  REQUIRE(w.a.delete_shard("bob", row->id()).error().code == ec::access_denied);
  REQUIRE(w.a.put("alice", 99, batch_of({{"k", "v"}})).error().code == ec::not_found);
}

TEST_CASE("a backup makes no shards, takes no writes, and says who does") {
  world w;
  auto row = w.a.new_shard("alice", "");
  REQUIRE(w.a.put("alice", row->id(), batch_of({{"k", "v"}})));
  auto made = w.b.new_shard("alice", "");
  REQUIRE(made.error().code == ec::unavailable);
  REQUIRE(made.error().message.find("a at a:50051 is") != std::string::npos);
  REQUIRE(w.b.put("alice", row->id(), batch_of({{"k", "x"}})).error().code == ec::unavailable);
  REQUIRE(w.b.read("alice", row->id(), true).error().code == ec::unavailable);
  auto reading = w.b.read("alice", row->id(), false);
  REQUIRE(reading);
  REQUIRE_FALSE(reading->primary);
  REQUIRE(*reading->view->get("k") == "v");
  REQUIRE(w.b.primary_of(row->id(), "") == "a:50051");
}

TEST_CASE("states go from active to read-only to deleted, and the data goes after the grace") {
  world w;
  auto id = w.a.new_shard("alice", "")->id();
  REQUIRE(w.a.put("alice", id, batch_of({{"k", "v"}})));
  REQUIRE(w.a.close_shard("alice", id)->state() == pb::kv_shard_row::read_only);
  REQUIRE(w.a.put("alice", id, batch_of({{"k", "x"}})).error().code == ec::precondition_failed);
  REQUIRE(*w.a.read("alice", id, true)->view->get("k") == "v");
  REQUIRE(w.a.delete_shard("alice", id)->state() == pb::kv_shard_row::deleted);
  REQUIRE(w.a.read("alice", id, true).error().code == ec::precondition_failed);
  REQUIRE(w.a.close_shard("alice", id).error().code == ec::precondition_failed);
  const auto directory = w.at.path() + "/shard-" + std::to_string(id);
  w.wall.at += 59'999;
  REQUIRE(*w.a.sweep() == 0);
  REQUIRE(std::filesystem::exists(directory));
  w.wall.at += 1;
  REQUIRE(*w.b.sweep() == 0); // not the primary
  REQUIRE(*w.a.sweep() == 1);
  REQUIRE_FALSE(std::filesystem::exists(directory));
  REQUIRE(w.a.read("alice", id, true).error().code == ec::not_found);
  REQUIRE(w.a.new_shard("alice", "")->id() > id);
}

TEST_CASE("a volume counts its shards by state, the logs it replays and the leases it had") {
  world w;
  auto kept = w.a.new_shard("alice", "")->id(), closed = w.a.new_shard("alice", "")->id(),
       gone = w.a.new_shard("alice", "")->id();
  REQUIRE(w.a.put("alice", kept, batch_of({{"k", "v"}})));
  REQUIRE(w.a.close_shard("alice", closed));
  REQUIRE(w.a.delete_shard("alice", gone));
  CHECK_FALSE(w.a.volumes()->at(0).states.has_value()); // nobody has counted yet
  REQUIRE(*w.a.sweep() == 0);
  auto f = w.a.volumes()->at(0);
  REQUIRE(f.states.has_value());
  CHECK(f.states->active == 1);
  CHECK(f.states->read_only == 1);
  CHECK(f.states->deleted == 1);
  CHECK(f.counts.taken == 1);
  CHECK(f.counts.ended == 0);
  CHECK(f.counts.replays == 0); // they were made here
  w.mine->step_down();
  w.mine->step_down(); // once is what counts
  f = w.a.volumes()->at(0);
  CHECK_FALSE(f.states.has_value());
  CHECK(f.counts.ended == 1);
  w.become_primary("b", *w.theirs, 2);
  REQUIRE(w.b.put("alice", kept, batch_of({{"k", "w"}})));
  f = w.b.volumes()->at(0);
  CHECK(f.counts.replays == 1);
  CHECK(f.counts.replayed_bytes > 0);
}

TEST_CASE("a new primary has every write and state that the old one acknowledged") {
  world w;
  auto open = w.a.new_shard("alice", "")->id(), closed = w.a.new_shard("alice", "")->id();
  REQUIRE(w.a.put("alice", open, batch_of({{"k", "v"}})));
  REQUIRE(w.a.put("alice", closed, batch_of({{"k", "v"}})));
  REQUIRE(w.a.close_shard("alice", closed));
  REQUIRE(w.b.put("alice", closed, batch_of({{"k", "x"}})).error().code == ec::precondition_failed);
  w.become_primary("b", *w.theirs, 2);
  REQUIRE(*w.b.read("alice", open, true)->view->get("k") == "v");
  REQUIRE(w.b.put("alice", open, batch_of({{"k", "2"}})));
  REQUIRE(w.b.put("alice", closed, batch_of({{"k", "x"}})).error().code == ec::precondition_failed);
  // The old one thinks that it still holds the lease: no new shard, no change of a shard is registered.
  REQUIRE(w.a.new_shard("alice", "").error().code == ec::unavailable);
  REQUIRE_FALSE(w.a.delete_shard("alice", open));
  REQUIRE(w.catalog->rows[open].state() == pb::kv_shard_row::active);
}

TEST_CASE("ids come from ranges, grow, and what a process did not use of a range is never used") {
  memory_catalog catalog;
  std::uint64_t last = 0;
  {
    shard_ids ids{catalog, 4};
    for (int i = 0; i < 6; ++i) {
      auto id = *ids.next();
      REQUIRE(id > last);
      last = id;
    }
  }
  shard_ids ids{catalog, 4};
  REQUIRE(*ids.next() == 9);
}
