#include "kv_fixture.hpp"
#include "store/sim_disk.hpp"
#include "support/print_result.hpp"

#include <catch2/catch.hpp>

using namespace troupe;
using namespace troupe::test;

TEST_CASE("compaction keeps every key, removes the files, and is done when nothing is dead") {
  sim_disk files{1};
  primary p{files};
  REQUIRE(p.open(1));
  contents expected;
  for (int round = 0; round < 5; ++round)
    for (int i = 0; i < 30; ++i) {
      expected[key(i)] = some(i + round);
      REQUIRE(p.shard->put(put_of(key(i), expected[key(i)])));
    }
  for (int i = 0; i < 10; ++i) {
    expected.erase(key(i));
    REQUIRE(p.shard->put(delete_of(key(i))));
  }
  const auto before = p.shard->facts();
  const auto files_before = segments_in(files);
  REQUIRE(before.log_bytes > 3 * before.live_bytes);
  auto gone = p.compact();
  REQUIRE(gone);
  REQUIRE(*gone > 8);
  REQUIRE(segments_in(files) < files_before / 2);
  const auto after = p.shard->facts();
  REQUIRE(after.log_bytes < before.log_bytes / 2);
  REQUIRE(after.live_bytes * 2 + p.limits.segment_bytes > after.log_bytes);
  REQUIRE(difference(*p.shard, expected) == "");
  REQUIRE(*p.compact() == 0);
  files.crash();
  REQUIRE(p.open(2));
  REQUIRE(difference(*p.shard, expected) == "");
  REQUIRE(p.shard->facts().token == 1);
}

TEST_CASE("a segment of which less is dead than was asked for stays") {
  sim_disk files{1};
  primary p{files};
  REQUIRE(p.open(1));
  for (int i = 0; i < 60; ++i) REQUIRE(p.shard->put(put_of(key(i), some(i))));
  for (int i = 0; i < 60; i += 3) REQUIRE(p.shard->put(put_of(key(i), some(i, 1)))); // a third
  REQUIRE(*p.compact(0.5) == 0);
  REQUIRE(*p.compact(0.25) > 3);
}

TEST_CASE("a tombstone stays while an older file may have its key, and goes after that") {
  sim_disk files{1};
  primary p{files};
  REQUIRE(p.open(1));
  contents expected;
  // The first segment stays, since little of it dies: the key `k` is in it.
  REQUIRE(p.shard->put(put_of("k", some(0, 10))));
  for (int i = 0; i < 9; ++i) {
    expected[key(i)] = some(i, 400);
    REQUIRE(p.shard->put(put_of(key(i), expected[key(i)])));
  }
  REQUIRE(p.shard->rotate());
  // The second has the tombstone, and what is soon dead.
  REQUIRE(p.shard->put(delete_of("k")));
  for (int i = 20; i < 26; ++i) REQUIRE(p.shard->put(put_of(key(i), some(i))));
  for (int i = 20; i < 26; ++i) REQUIRE(p.shard->put(delete_of(key(i))));
  REQUIRE(p.shard->rotate());
  REQUIRE(p.shard->put(put_of("last", some(1)))); // the log's last segment is never compacted
  expected["last"] = some(1);
  REQUIRE(p.shard->facts().tombstones == 1); // of the others no older file has anything
  REQUIRE(*p.compact() == 1);
  REQUIRE(p.shard->facts().tombstones == 1);
  REQUIRE(p.open(2));
  REQUIRE(difference(*p.shard, expected) == "");
  // Now the first segment goes.
  for (int i = 0; i < 9; ++i) REQUIRE(p.shard->put(put_of(key(i), some(i, 1))));
  for (int i = 0; i < 9; ++i) expected[key(i)] = some(i, 1);
  REQUIRE(p.shard->rotate());
  REQUIRE(p.shard->put(put_of("last", some(1))));
  REQUIRE(*p.compact() >= 1);
  REQUIRE(p.shard->facts().tombstones == 0);
  REQUIRE(p.open(3));
  REQUIRE(difference(*p.shard, expected) == "");
}

TEST_CASE("a tombstone hides the oldest record of its key, also of a key that had come back in between") {
  sim_disk files{1};
  primary p{files};
  REQUIRE(p.open(1));
  contents expected;
  REQUIRE(p.shard->put(put_of("k", some(0, 10)))); // in the first segment, which stays
  for (int i = 0; i < 9; ++i) {
    expected[key(i)] = some(i, 400);
    REQUIRE(p.shard->put(put_of(key(i), expected[key(i)])));
  }
  REQUIRE(p.shard->rotate());
  REQUIRE(p.shard->put(delete_of("k")));
  REQUIRE(p.shard->rotate());
  REQUIRE(p.shard->put(put_of("k", some(1))));
  REQUIRE(p.shard->rotate());
  REQUIRE(p.shard->put(delete_of("k")));
  for (int i = 0; i < 5; ++i) REQUIRE(p.shard->put(put_of("filler", some(i))));
  REQUIRE(p.shard->rotate());
  REQUIRE(p.shard->put(put_of("filler", some(5))));
  expected["filler"] = some(5);
  REQUIRE(*p.compact() == 3);
  REQUIRE(p.shard->facts().tombstones == 1);
  REQUIRE(files.exists(log_place + "/wal.segments/segment_1.wal").value());
  REQUIRE(p.open(2));
  REQUIRE(difference(*p.shard, expected) == "");
}

TEST_CASE("keys that come and go leave neither files nor tombstones behind") {
  sim_disk files{1};
  primary p{files};
  REQUIRE(p.open(1));
  REQUIRE(p.shard->put(put_of("stays", some(1, 3900)))); // most of the first segment lives for ever
  std::uint64_t most = 0, memory = 0;
  for (int i = 0; i < 3000; ++i) {
    REQUIRE(p.shard->put(put_of(key(i), some(i, 50))));
    if (i >= 20) REQUIRE(p.shard->put(delete_of(key(i - 20))));
    if (i % 50 == 0) REQUIRE(p.compact());
    most = std::max(most, p.shard->facts().log_bytes);
    memory = std::max(memory, p.shard->facts().memory_bytes);
  }
  REQUIRE(most < 100'000);
  REQUIRE(memory < 100'000);
  REQUIRE(p.shard->facts().tombstones < 200);
  REQUIRE(p.shard->facts().keys == 21);
}

TEST_CASE("a shard that is full takes deletions, and writes again after the compaction") {
  sim_disk files{1};
  primary p{files};
  p.limits.shard_bytes_max = 64 << 10;
  REQUIRE(p.open(1));
  int written = 0;
  result<> last;
  for (; last && written < 1000; ++written) last = p.shard->put(put_of(key(written), some(written)));
  REQUIRE(last.error().code == ec::no_space);
  REQUIRE(last.error().message.find("compacted") != std::string::npos);
  contents expected;
  for (int i = 0; i + 1 < written; ++i) expected[key(i)] = some(i);
  for (int i = 0; i < 15; ++i) {
    REQUIRE(p.shard->put(delete_of(key(i))));
    expected.erase(key(i));
  }
  REQUIRE(*p.compact() > 0);
  REQUIRE(p.shard->put(put_of("new", some(7))));
  expected["new"] = some(7);
  REQUIRE(difference(*p.shard, expected) == "");
}

TEST_CASE("a disk that is full ends a step of compaction, and the step is made again when it has room") {
  sim_disk files{1};
  primary p{files};
  REQUIRE(p.open(1));
  contents expected;
  for (int i = 0; i < 40; ++i) REQUIRE(p.shard->put(put_of(key(i), some(i))));
  for (int i = 0; i < 40; i += 2) REQUIRE(p.shard->put(delete_of(key(i))));
  for (int i = 1; i < 40; i += 2) expected[key(i)] = some(i);
  REQUIRE(p.shard->rotate());
  std::uint64_t used = 0;
  for (const auto& s : *files.list(log_place + "/wal.segments"))
    used += files.content(log_place + "/wal.segments/" + s).size();
  files.set_capacity(used + files.content(log_place + "/wal.active").size() + 10);
  auto done = p.compact(0.4);
  REQUIRE_FALSE(done);
  REQUIRE(done.error().code == ec::no_space);
  REQUIRE_FALSE(p.shard->broken());
  REQUIRE(difference(*p.shard, expected) == "");
  files.set_capacity(1 << 20);
  REQUIRE(*p.compact(0.4) >= 4);
  REQUIRE(difference(*p.shard, expected) == "");
}

TEST_CASE("a read-only shard is compacted, too") {
  sim_disk files{1};
  primary p{files};
  REQUIRE(p.open(1));
  contents expected;
  for (int i = 0; i < 40; ++i) REQUIRE(p.shard->put(put_of(key(i), some(i))));
  for (int i = 0; i < 40; ++i) expected[key(i)] = some(i, 5);
  for (int i = 0; i < 40; ++i) REQUIRE(p.shard->put(put_of(key(i), some(i, 5))));
  REQUIRE(p.shard->make_read_only());
  REQUIRE(*p.compact() > 3);
  REQUIRE(difference(*p.shard, expected) == "");
  REQUIRE(p.shard->put(put_of("k", some(1))).error().code == ec::precondition_failed);
}

TEST_CASE("compaction needs the lease at every step") {
  sim_disk files{1};
  primary p{files};
  REQUIRE(p.open(1));
  for (int i = 0; i < 40; ++i) REQUIRE(p.shard->put(put_of(key(i), some(i))));
  for (int i = 0; i < 40; i += 2) REQUIRE(p.shard->put(delete_of(key(i))));
  auto steps = GENERATE(0, 1, 2, 3, 4, 5, 6, 7);
  for (int i = 0; i < steps; ++i) REQUIRE(p.shard->compact({.dead_share = 0.4, .step_bytes = 1000}));
  p.lease.lose();
  const auto before = files.operations();
  for (int i = 0; i < 5; ++i) {
    auto step = p.shard->compact({.dead_share = 0.4, .step_bytes = 1000});
    REQUIRE_FALSE(step);
    REQUIRE(step.error().code == ec::unavailable);
  }
  REQUIRE(files.operations() == before);
}

TEST_CASE("what compaction can not read it leaves alone, and says so once") {
  sim_disk files{1};
  primary p{files};
  REQUIRE(p.open(1));
  for (int i = 0; i < 40; ++i) REQUIRE(p.shard->put(put_of(key(i), some(i))));
  for (int i = 0; i < 40; i += 2) REQUIRE(p.shard->put(delete_of(key(i))));
  files.flip_bit(log_place + "/wal.segments/segment_1.wal", 200, 1);
  auto done = p.compact(0.4);
  REQUIRE_FALSE(done);
  REQUIRE(done.error().code == ec::corrupt);
  REQUIRE(done.error().message.find("segment 1") != std::string::npos);
  REQUIRE(*p.compact(0.4) > 2); // the others
  REQUIRE(files.exists(log_place + "/wal.segments/segment_1.wal").value());
}

TEST_CASE("records that are refused stay refused when what stood before them is compacted") {
  sim_disk files{1};
  { // An earlier primary wrote when it was no more, as it were.
    log_options o;
    o.directory = log_place;
    auto made = log::open(files, o, {}, [](const auto&) -> result<> { return {}; });
    auto write = [&](std::uint64_t token, const pb::kv_batch& batch) {
      auto bytes = batch.SerializeAsString();
      bytes_view payload = as_bytes(bytes);
      REQUIRE((*made)->append({.type = kv_batch_record, .id = {}, .n1 = 0, .n2 = token}, {&payload, 1}));
    };
    write(2, put_of("k", {"first", "red"}));
    REQUIRE((*made)->rotate());
    auto last = GENERATE(false, true); // the refused one is in the log's last segment
    write(1, put_of("late", {"refused", "red"}));
    if (!last) REQUIRE((*made)->rotate());
    write(3, put_of("k", {"second", "red"}));
    REQUIRE((*made)->sync());
  }
  primary p{files};
  REQUIRE(p.open(4));
  const contents expected{{"k", {"second", "red"}}};
  REQUIRE(p.shard->facts().refused_records == 1);
  for (int i = 0; i < 3; ++i) {
    REQUIRE(p.compact()); // the first segment is all dead
    REQUIRE(p.open(static_cast<std::uint64_t>(5 + i)));
    REQUIRE(difference(*p.shard, expected) == "");
  }
  REQUIRE_FALSE(files.exists(log_place + "/wal.segments/segment_1.wal").value());
  REQUIRE(p.shard->facts().refused_records == 0);
}

TEST_CASE("when a segment goes, the log still says which token it was taken with") {
  sim_disk files{1};
  primary p{files};
  REQUIRE(p.open(1));
  REQUIRE(p.shard->put(put_of("k", some(1))));
  REQUIRE(p.open(7));
  REQUIRE(p.shard->rotate());
  REQUIRE(p.shard->put(delete_of("k")));
  REQUIRE(p.shard->rotate());
  REQUIRE(p.open(8));
  REQUIRE(*p.compact(0.1) >= 1); // nothing of it lives
  REQUIRE(p.open(9));
  REQUIRE(p.shard->facts().keys == 0);
  REQUIRE(p.shard->facts().token == 8);
}

TEST_CASE("a segment with records that this version does not know is left alone") {
  sim_disk files{1};
  {
    log_options o;
    o.directory = log_place;
    auto made = log::open(files, o, {}, [](const auto&) -> result<> { return {}; });
    REQUIRE((*made)->append({.type = 77, .id = {}, .n1 = 0, .n2 = 1}, {}));
    REQUIRE((*made)->rotate());
    REQUIRE((*made)->sync());
  }
  primary p{files};
  REQUIRE(p.open(1));
  REQUIRE(p.shard->put(put_of("k", some(1))));
  REQUIRE(*p.compact() == 0);
  REQUIRE(files.exists(log_place + "/wal.segments/segment_1.wal").value());
}

TEST_CASE("no segment goes while somebody keeps them") {
  sim_disk files{1};
  primary p{files};
  REQUIRE(p.open(1));
  for (int i = 0; i < 40; ++i) REQUIRE(p.shard->put(put_of(key(i), some(i))));
  for (int i = 0; i < 40; ++i) REQUIRE(p.shard->put(put_of(key(i), some(i, 5))));
  {
    const auto kept = p.shard->keep_segments();
    REQUIRE(*p.compact() == 0);
    REQUIRE(*p.compact() == 0);
  }
  REQUIRE(*p.compact() > 3);
}
