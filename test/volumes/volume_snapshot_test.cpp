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
  auto made = snapshot_volume(*v, "monday", 1000);
  REQUIRE(made);
  REQUIRE(made->shards == 2);
  REQUIRE(made->files == 1); // the other shard has nothing yet
  REQUIRE((*v->writable(1))->put(batch_of({{"k", "after"}})));
  REQUIRE(snapshot_volume(*v, "monday", 1000).error().code == ec::conflict);
  REQUIRE(snapshot_volume(*v, "../x", 1000).error().code == ec::bad_argument);
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
  REQUIRE(snapshot_volume(*v, "monday", 1000).error().code == ec::unavailable);
  REQUIRE(restore_volume(at.path() + "/snapshots/monday", at.path()).error().code == ec::not_found);
}

namespace {

std::vector<std::string> names_of(const result<std::vector<pb::snapshot_line>>& lines) {
  REQUIRE(lines);
  std::vector<std::string> out;
  for (const auto& line : *lines) out.push_back(line.name());
  return out;
}

// With shard 1, k = before, in the snapshot `monday`; then k = after, and shard 2.
std::shared_ptr<volume> volume_with_monday(const std::string& root, const set_clock& clock, snapshot_store& store) {
  auto v = volume_at(root, clock);
  v->hold(row_of("a", 1), lease_guard::for_ever);
  REQUIRE(v->make_shard(1));
  REQUIRE((*v->writable(1))->put(batch_of({{"k", "before"}})));
  REQUIRE(store.make(*v, "monday", 5000));
  REQUIRE((*v->writable(1))->put(batch_of({{"k", "after"}})));
  REQUIRE(v->make_shard(2));
  return v;
}

void take_anew(volume& v, std::uint64_t token) {
  v.step_down();
  REQUIRE(v.seal(token));
  v.hold(row_of("a", token), lease_guard::for_ever);
}

} // namespace

TEST_CASE("snapshots are listed oldest first, with what is in them, and removed one by one") {
  temporary_directory at;
  set_clock clock;
  auto store = make_directory_snapshots();
  auto v = volume_at(at.path(), clock);
  REQUIRE(store->list(*v)->empty());
  v->hold(row_of("a", 1), lease_guard::for_ever);
  REQUIRE(v->make_shard(1));
  REQUIRE((*v->writable(1))->put(batch_of({{"k", "v"}})));
  REQUIRE(store->make(*v, "z-first", 1000)->shards() == 1);
  REQUIRE(store->make(*v, "a-second", 2000));
  auto all = store->list(*v);
  REQUIRE(names_of(all) == std::vector<std::string>{"z-first", "a-second"});
  REQUIRE(all->front().made_ms() == 1000);
  REQUIRE(all->front().files() == 1);
  REQUIRE(all->front().bytes() > 0);
  REQUIRE(store->remove(*v, "z-first"));
  REQUIRE(store->remove(*v, "z-first").error().code == ec::not_found);
  REQUIRE(store->remove(*v, "../shard-1").error().code == ec::bad_argument);
  REQUIRE(names_of(store->list(*v)) == std::vector<std::string>{"a-second"});
  REQUIRE(v->shards()->size() == 1);
  REQUIRE((*v->writable(1))->get("k").value() == "v");
}

TEST_CASE("a snapshot opens no shard that is closed and has nothing new") {
  temporary_directory at;
  set_clock clock;
  auto store = make_directory_snapshots();
  auto v = volume_with_monday(at.path(), clock, *store); // and what came after it
  take_anew(*v, 2);
  REQUIRE(v->open_shards() == 0);
  REQUIRE(store->make(*v, "tuesday", 6000)->files() == 2);
  REQUIRE(v->count().replays == 1); // of shard 1: its active segment had a record; shard 2's has none
  take_anew(*v, 3);
  const auto before = v->count().replays;
  auto made = store->make(*v, "wednesday", 7000);
  REQUIRE(made);
  REQUIRE(made->shards() == 2);
  REQUIRE(made->files() == 2);
  REQUIRE(v->count().replays == before);
  REQUIRE(v->open_shards() == 0);
  REQUIRE(store->order_restore(*v, "wednesday"));
  take_anew(*v, 4);
  REQUIRE((*v->writable(1))->get("k").value() == "after");
}

TEST_CASE("what an interrupted snapshot left is neither listed nor in the way") {
  temporary_directory at;
  set_clock clock;
  auto store = make_directory_snapshots();
  auto v = volume_with_monday(at.path(), clock, *store);
  std::filesystem::create_directories(at.path() + "/snapshots/.making-tuesday/shard-1");
  REQUIRE(names_of(store->list(*v)) == std::vector<std::string>{"monday"});
  REQUIRE(store->make(*v, "tuesday", 6000)->shards() == 2);
  REQUIRE_FALSE(std::filesystem::exists(at.path() + "/snapshots/.making-tuesday"));
}

TEST_CASE("a volume that is to be restored becomes its snapshot when it is taken anew") {
  temporary_directory at;
  set_clock clock;
  auto store = make_directory_snapshots();
  auto v = volume_with_monday(at.path(), clock, *store);
  REQUIRE(store->order_restore(*v, "tuesday").error().code == ec::not_found);
  REQUIRE(store->order_restore(*v, "monday"));
  REQUIRE(store->order_restore(*v, "monday").error().code == ec::conflict);
  REQUIRE((*v->writable(1))->get("k").value() == "after"); // until then
  take_anew(*v, 2);
  REQUIRE((*v->writable(1))->get("k").value() == "before");
  REQUIRE(v->writable(2).error().code == ec::corrupt); // made after the snapshot: missing, not empty
  REQUIRE((*v->writable(1))->put(batch_of({{"k", "restored"}})));
  REQUIRE(std::filesystem::exists(at.path() + "/before-restore/shard-2"));
  REQUIRE(names_of(store->list(*v)) == std::vector<std::string>{"monday"});
  take_anew(*v, 3); // that was it
  REQUIRE((*v->writable(1))->get("k").value() == "restored");
  REQUIRE(store->order_restore(*v, "monday")); // once more
  take_anew(*v, 4);
  REQUIRE((*v->writable(1))->get("k").value() == "before");
}

TEST_CASE("a restore that was interrupted anywhere is done again from the start") {
  temporary_directory at;
  set_clock clock;
  auto store = make_directory_snapshots();
  namespace fs = std::filesystem;
  auto v = volume_with_monday(at.path(), clock, *store);
  REQUIRE(store->order_restore(*v, "monday"));
  v->step_down();
  SECTION("when one shard was moved away") {
    fs::rename(at.path() + "/shard-2", at.path() + "/before-restore/shard-2");
  }
  SECTION("when one shard was there in part") {
    fs::rename(at.path() + "/shard-1", at.path() + "/before-restore/shard-1");
    fs::create_directories(at.path() + "/shard-1/log-1/wal.segments");
  }
  SECTION("when all was there but the order's end") {
    fs::rename(at.path() + "/shard-1", at.path() + "/before-restore/shard-1");
    fs::rename(at.path() + "/shard-2", at.path() + "/before-restore/shard-2");
    REQUIRE(restore_volume(at.path() + "/snapshots/monday", at.path()));
  }
  take_anew(*v, 2);
  REQUIRE((*v->writable(1))->get("k").value() == "before");
  REQUIRE(v->writable(2).error().code == ec::corrupt);
  REQUIRE_FALSE(fs::exists(at.path() + "/restore-to"));
  REQUIRE(fs::exists(at.path() + "/before-restore/shard-1/log-1"));
}

TEST_CASE("an order to restore what is not there any more says so, and destroys nothing") {
  temporary_directory at;
  set_clock clock;
  auto store = make_directory_snapshots();
  auto v = volume_with_monday(at.path(), clock, *store);
  REQUIRE(store->order_restore(*v, "monday"));
  std::filesystem::remove_all(at.path() + "/snapshots/monday");
  v->step_down();
  REQUIRE(v->seal(2).error().message.find("restore-to") != std::string::npos);
  std::filesystem::remove(at.path() + "/restore-to");
  REQUIRE(v->seal(2));
  v->hold(row_of("a", 2), lease_guard::for_ever);
  REQUIRE((*v->writable(1))->get("k").value() == "after");
}
