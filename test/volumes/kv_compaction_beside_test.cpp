// Compaction beside all that goes on meanwhile: backups, snapshots, readers, writers, restarts.
#include "kv_fixture.hpp"
#include "store/sim_disk.hpp"
#include "support/print_result.hpp"
#include "volumes/volume_snapshot.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;

TEST_CASE("a backup goes on through compactions, whatever it had read") {
  sim_disk files{1};
  primary p{files};
  REQUIRE(p.open(1));
  kv_follower from_the_start{files, shard_place, p.clock}, now_and_then{files, shard_place, p.clock};
  contents expected;
  for (int i = 0; i < 400; ++i) {
    const auto k = key(i % 37);
    if (i % 5 == 4) {
      REQUIRE(p.shard->put(delete_of(k)));
      expected.erase(k);
    } else {
      expected[k] = some(i);
      REQUIRE(p.shard->put(put_of(k, expected[k])));
    }
    p.clock.at += 1s;
    REQUIRE(from_the_start.refresh(0ns));
    REQUIRE(difference(from_the_start, expected) == "");
    if (i % 20 == 0) REQUIRE(p.compact());
    // Its index names files that are gone: it reads on by itself.
    REQUIRE(difference(from_the_start, expected) == "");
    if (i % 90 == 0) {
      REQUIRE(now_and_then.refresh(0ns));
      REQUIRE(difference(now_and_then, expected) == "");
      kv_follower late{files, shard_place, p.clock};
      REQUIRE(late.refresh(0ns));
      REQUIRE(difference(late, expected) == "");
      REQUIRE(late.facts().log_bytes <= p.shard->facts().log_bytes + 4096);
    }
  }
  REQUIRE(segments_in(files) < 15);
}

TEST_CASE("any order of writes, deletions, compactions, reads and restarts gives what was written") {
  const auto seed = GENERATE(range(1, 60));
  INFO("seed=" << seed);
  std::mt19937_64 random{static_cast<std::uint64_t>(seed)};
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<std::uint64_t>(n)); };
  sim_disk files{static_cast<std::uint64_t>(seed)};
  primary p{files, static_cast<std::uint64_t>(seed)};
  std::uint64_t token = 1;
  REQUIRE(p.open(token));
  kv_follower backup{files, shard_place, p.clock};
  contents expected;
  const auto keys = 5 + below(60);
  const auto dead_share = 0.1 + 0.1 * below(6);
  for (int i = 0; i < 400; ++i) {
    p.clock.at += 1s;
    switch (below(12)) {
    case 0: REQUIRE(p.shard->compact({.dead_share = dead_share, .step_bytes = 1000})); break;
    case 1:
      if (below(4) == 0) REQUIRE(p.compact(dead_share));
      break;
    case 2:
      if (below(5) == 0) REQUIRE(p.shard->rotate());
      break;
    case 3:
      REQUIRE(backup.refresh(0ns));
      REQUIRE(difference(backup, expected) == "");
      break;
    case 4:
      if (below(4) == 0) {
        files.crash();
        REQUIRE(p.open(++token));
      }
      REQUIRE(difference(*p.shard, expected) == "");
      break;
    case 5: { // without reading on: an older state, but never an error
      auto value = backup.get(key(below(keys)));
      REQUIRE((value || value.error().code == ec::not_found));
      break;
    }
    default: {
      pb::kv_batch batch;
      for (int n = 1 + below(4) * below(2); n > 0; --n) {
        const auto k = key(below(keys));
        if (below(3) == 0) {
          add_delete(batch, k);
          expected.erase(k);
        } else {
          expected[k] = some(below(1000), static_cast<std::size_t>(below(400)));
          add_put(batch, k, expected[k]);
        }
      }
      REQUIRE(p.shard->put(batch));
    }
    }
  }
  REQUIRE(difference(*p.shard, expected) == "");
  REQUIRE(p.compact(0.1));
  REQUIRE(difference(*p.shard, expected) == "");
  REQUIRE(p.open(++token));
  REQUIRE(difference(*p.shard, expected) == "");
}

TEST_CASE("writers, readers, backups and compaction at the same time") {
  temporary_directory at;
  set_clock clock;
  kv_limits limits;
  limits.segment_bytes = 64 << 10;
  auto mine = volume_at(at.path(), clock, limits), theirs = volume_at(at.path(), clock, limits);
  mine->hold(row_of("a", 1), lease_guard::for_ever);
  REQUIRE(mine->make_shard(1));
  std::atomic<bool> done{false};
  std::atomic<int> compacted{0};
  std::mutex mutex;
  std::string failed; // what did
  const auto note = [&](const std::string& what) {
    std::lock_guard lock{mutex};
    if (failed.size() < 1000) failed += what + "\n";
  };
  const auto check = [&](const auto& r) {
    if (!r) note(r.error().message);
  };
  const auto check_is = [&](const auto& r, const std::optional<std::string>& expected) {
    check(r);
    if (r && *r != expected) note("a key has another value than was written");
  };
  // A backup tries a few times to read what is moved meanwhile, and then says so.
  const auto check_backup = [&](const auto& r) {
    if (!r && r.error().code != ec::unavailable) check(r);
  };
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&, t] {
      auto shard = *mine->writable(1);
      for (int i = 0; i < 600; ++i) {
        const auto k = std::to_string(t) + "/" + std::to_string(i % 10);
        check(shard->put(put_of(k, some(i, 2000))));
        check_is(shard->get(k), some(i, 2000).value);
        if (i % 3 != 0) continue;
        check(shard->put(delete_of(k)));
        check_is(shard->get(k), std::nullopt);
      }
    });
  std::thread reader{[&] {
    while (!done) {
      auto reading = theirs->readable(1);
      check_backup(reading);
      if (!reading) continue;
      check_backup(reading->view->scan("", "", 100, 1 << 20));
      check((*mine->writable(1))->scan("", "", 100, 1 << 20));
    }
  }};
  std::thread compactor{[&] {
    while (!done) {
      auto step = mine->compact({.dead_share = 0.5, .step_bytes = 32 << 10});
      check(step);
      if (step) compacted += static_cast<int>(step->segments);
    }
  }};
  for (auto& t : threads) t.join();
  done = true;
  reader.join();
  compactor.join();
  REQUIRE(failed == "");
  REQUIRE(compacted > 20);
  clock.at += 1s;
  auto reading = theirs->readable(1);
  REQUIRE(reading);
  for (int t = 0; t < 3; ++t)
    for (int i = 590; i < 600; ++i) {
      const auto k = std::to_string(t) + "/" + std::to_string(i % 10);
      const auto expected = i % 3 == 0 ? std::nullopt : std::optional{some(i, 2000).value};
      REQUIRE((*mine->writable(1))->get(k).value() == expected);
      REQUIRE(reading->view->get(k).value() == expected);
    }
  const auto counts = mine->count();
  REQUIRE(counts.compacted_segments == static_cast<std::uint64_t>(compacted));
  REQUIRE(counts.freed_bytes > 20 * (64 << 10) / 2);
  const auto content = mine->content();
  const auto facts = (*mine->writable(1))->facts();
  REQUIRE(content.live_bytes + content.dead_bytes == facts.log_bytes);
}

TEST_CASE("a snapshot that is made during a compaction has every key") {
  temporary_directory at, elsewhere;
  set_clock clock;
  kv_limits limits;
  limits.segment_bytes = 4096;
  auto v = volume_at(at.path(), clock, limits);
  v->hold(row_of("a", 1), lease_guard::for_ever);
  REQUIRE(v->make_shard(1));
  auto shard = *v->writable(1);
  contents expected;
  for (int i = 0; i < 40; ++i) REQUIRE(shard->put(put_of(key(i), some(i))));
  for (int i = 0; i < 40; ++i) {
    expected[key(i)] = some(i + 1);
    if (i % 2 == 0) REQUIRE(shard->put(put_of(key(i), expected[key(i)])));
    if (i % 2 != 0) expected[key(i)] = some(i);
  }
  const auto steps = GENERATE(0, 3, 6, 9, 12, 15);
  for (int i = 0; i < steps; ++i) REQUIRE(v->compact({.dead_share = 0.4, .step_bytes = 1000}));
  std::atomic<bool> done{false};
  std::thread compactor{[&] {
    while (!done) (void)v->compact({.dead_share = 0.4, .step_bytes = 1000});
  }};
  const auto made = snapshot_volume(*v, "monday", 0);
  done = true;
  compactor.join();
  REQUIRE(made);
  for (int i = 0; i < 100; ++i) REQUIRE(v->compact({.dead_share = 0.4, .step_bytes = 1000}));
  REQUIRE(v->count().compacted_segments >= 3);
  REQUIRE(restore_volume(at.path() + "/snapshots/monday", elsewhere.path()));
  auto restored = volume_at(elsewhere.path(), clock, limits);
  REQUIRE(restored->seal(2));
  restored->hold(row_of("a", 2), lease_guard::for_ever);
  REQUIRE(difference(**restored->writable(1), expected) == "");
  REQUIRE(difference(*shard, expected) == "");
}

TEST_CASE("shards take turns in being compacted, and the lease's end ends it") {
  temporary_directory at;
  set_clock clock;
  kv_limits limits;
  limits.segment_bytes = 4096;
  auto v = volume_at(at.path(), clock, limits);
  v->hold(row_of("a", 1), clock.at + 1s);
  for (std::uint64_t id = 1; id <= 2; ++id) {
    REQUIRE(v->make_shard(id));
    for (int i = 0; i < 200; ++i) REQUIRE((*v->writable(id))->put(put_of("k", some(i))));
  }
  const auto size = [&](std::uint64_t id) { return (*v->writable(id))->facts().log_bytes; };
  const auto before = size(1);
  REQUIRE(size(2) == before);
  std::uint64_t gone = 0;
  for (int i = 0; i < 8; ++i)
    gone += v->compact({})->segments; // all of them are dead: one step to see that, one to remove
  REQUIRE(gone == 4);
  REQUIRE(size(1) < before);
  REQUIRE(size(2) < before);
  clock.at += 1s;
  REQUIRE(v->compact({}).error().code == ec::unavailable);
}
