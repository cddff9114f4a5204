#include "volumes/volume_snapshot.hpp"

#include "support/print_result.hpp"
#include "volumes/volume_fixture.hpp"

#include <catch2/catch.hpp>

#include <filesystem>

using namespace troupe;
using namespace troupe::test;

TEST_CASE("a restored snapshot has what was acknowledged before it and nothing later") {
  temporary_directory at, elsewhere;
  set_clock clock;
  auto v = volume_at(at.path(), clock);
  v->hold(row_of("a", 1), lease_guard::for_ever);
  REQUIRE(v->make_shard(1));
  REQUIRE(v->make_shard(2));
  REQUIRE((*v->writable(1))->put(batch_of({{"k", "before"}})));
  auto made = snapshot_volume(*v, "monday");
  REQUIRE(made);
  REQUIRE(made->shards == 2);
  REQUIRE(made->files == 1); // the other shard has nothing yet
  REQUIRE((*v->writable(1))->put(batch_of({{"k", "after"}})));
  REQUIRE(snapshot_volume(*v, "monday").error().code == ec::conflict);
  REQUIRE(snapshot_volume(*v, "../x").error().code == ec::bad_argument);
  REQUIRE(v->shards()->size() == 2);

  REQUIRE(restore_volume(at.path() + "/snapshots/monday", elsewhere.path()));
  REQUIRE(restore_volume(at.path() + "/snapshots/monday", elsewhere.path()).error().code == ec::conflict);
  auto restored = volume_at(elsewhere.path(), clock);
  REQUIRE(restored->seal(2));
  restored->hold(row_of("a", 2), lease_guard::for_ever);
  REQUIRE((*restored->writable(1))->get("k").value() == "before");
  REQUIRE((*restored->writable(2))->facts().keys == 0);
  REQUIRE((*restored->writable(1))->put(batch_of({{"k", "restored"}})));
  REQUIRE((*v->writable(1))->get("k").value() == "after"); // they share closed segments, which nobody changes
  auto again = restored->writable(3);
  REQUIRE(again.error().code == ec::corrupt); // made after the snapshot: missing, not empty
}

TEST_CASE("only the primary makes snapshots, and only of a directory that has no shards is a volume restored") {
  temporary_directory at;
  set_clock clock;
  auto v = volume_at(at.path(), clock);
  REQUIRE(snapshot_volume(*v, "monday").error().code == ec::unavailable);
  REQUIRE(restore_volume(at.path() + "/snapshots/monday", at.path()).error().code == ec::not_found);
}
