#include "piece_volume.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <optional>
#include <random>
#include <set>
#include <vector>

using namespace troupe;

namespace {

// Until nothing is left to do; with the checkpoints that it asks for.
void compact_all(piece_store& s) {
  for (int i = 0; i < 10'000; ++i) {
    auto progress = s.compact(2000, {});
    REQUIRE(progress.has_value());
    if (*progress == piece_store::compaction::wants_sync) REQUIRE(sync(s));
    if (*progress != piece_store::compaction::idle) continue;
    if (!s.checkpoint_due()) return;
    REQUIRE(checkpoint(s));
  }
  FAIL("compaction does not come to an end");
}

} // namespace

TEST_CASE("a piece is read back as it was appended, the later bytes win, and a removed one is gone") {
  volume v{1};
  auto s = v.open();
  piece_key k{id_of(1), 7, 3};
  REQUIRE(s->read(k).error().code == ec::not_found);
  REQUIRE(s->append(k, as_bytes("first")));
  REQUIRE(s->append({id_of(1), 7, 4}, as_bytes("other")));
  REQUIRE(s->append(k, as_bytes("second")));
  REQUIRE(s->read(k)->text() == "second");
  REQUIRE(s->count().pieces == 2);
  REQUIRE(s->remove(id_of(1)));
  REQUIRE(s->remove(id_of(1)));
  REQUIRE(s->read(k).error().code == ec::not_found);
  REQUIRE(s->count().pieces == 0);
  REQUIRE(s->check());
}

TEST_CASE("pieces that no index can name are refused") {
  volume v{2};
  auto s = v.open();
  REQUIRE(s->append({id_of(1), 0, 256}, as_bytes("x")).error().code == ec::bad_argument);
  REQUIRE(s->append({id_of(1), 0, 0}, std::vector<std::byte>((1 << 20) + 1)).error().code == ec::too_large);
  REQUIRE(s->append({id_of(1), ~std::uint64_t{0}, 255}, as_bytes("x")));
  REQUIRE(s->read({id_of(1), ~std::uint64_t{0}, 255})->text() == "x");
}

TEST_CASE("an index that is lost is rebuilt from the log, removals included") {
  volume v{3};
  auto s = v.open();
  for (std::uint64_t i = 0; i < 60; ++i) REQUIRE(s->append({id_of(i), i, 0}, as_bytes(content_of(i, 500))));
  for (std::uint64_t i = 0; i < 60; i += 3) REQUIRE(s->remove(id_of(i)));
  REQUIRE(checkpoint(*s));
  REQUIRE(s->append({id_of(100), 0, 0}, as_bytes("after the checkpoint")));
  REQUIRE(sync(*s));
  s.reset();
  v.index = make_memory_base();
  s = v.open();
  REQUIRE(s->rebuilt());
  for (std::uint64_t i = 0; i < 60; ++i) {
    auto got = s->read({id_of(i), i, 0});
    if (i % 3 == 0) {
      REQUIRE(got.error().code == ec::not_found);
    } else {
      REQUIRE(got->text() == content_of(i, 500));
    }
  }
  REQUIRE(s->read({id_of(100), 0, 0})->text() == "after the checkpoint");
}

TEST_CASE("an index that knows of a log that is not there is not believed") {
  volume v{4};
  auto s = v.open();
  REQUIRE(s->append({id_of(1), 0, 0}, as_bytes("lost with its disk")));
  REQUIRE(checkpoint(*s));
  s.reset();
  sim_disk other{5};
  auto reopened = piece_store::open(other, v.options, v.index);
  REQUIRE(reopened);
  REQUIRE((*reopened)->rebuilt());
  REQUIRE((*reopened)->count().pieces == 0);
  REQUIRE((*reopened)->read({id_of(1), 0, 0}).error().code == ec::not_found);
  REQUIRE((*reopened)->check());
}

TEST_CASE("removed pieces give their space back, and what stays can be read") {
  volume v{6};
  auto s = v.open();
  for (std::uint64_t i = 0; i < 200; ++i) REQUIRE(s->append({id_of(i), 0, 1}, as_bytes(content_of(i, 700))));
  auto full = s->count().log_bytes;
  for (std::uint64_t i = 0; i < 200; ++i)
    if (i % 10 != 0) REQUIRE(s->remove(id_of(i)));
  compact_all(*s);
  REQUIRE(s->check());
  REQUIRE(s->count().pieces == 20);
  REQUIRE(s->count().log_bytes < full / 3);
  for (std::uint64_t i = 0; i < 200; i += 10) REQUIRE(s->read({id_of(i), 0, 1})->text() == content_of(i, 700));
  for (std::uint64_t i = 0; i < 200; i += 10) REQUIRE(s->remove(id_of(i)));
  for (std::uint64_t i = 0; i < 30; ++i) REQUIRE(s->append({id_of(1000), i, 1}, as_bytes(content_of(i, 700))));
  compact_all(*s);
  REQUIRE(s->count().log_bytes < 30 * 800 + 2 * v.options.segment_bytes);
}

TEST_CASE("churn for ever does not fill the volume, tombstones included") {
  volume v{7};
  auto s = v.open();
  REQUIRE(s->append({id_of(999'999), 0, 0}, as_bytes("stays"))); // its segment is the oldest, and lives
  for (std::uint64_t i = 0; i < 3000; ++i) {
    REQUIRE(s->append({id_of(i), 0, 0}, as_bytes(content_of(i, 100))));
    if (i >= 20) REQUIRE(s->remove(id_of(i - 20)));
    if (i % 100 == 0) compact_all(*s);
  }
  compact_all(*s);
  REQUIRE(s->count().pieces == 21);
  REQUIRE(s->count().log_bytes < 4 * v.options.segment_bytes);
  REQUIRE(s->read({id_of(999'999), 0, 0})->text() == "stays");
  REQUIRE(s->check());
}

TEST_CASE("a flipped bit is corrupt, never other bytes, and costs no other piece") {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    volume v{seed};
    auto s = v.open();
    for (std::uint64_t i = 0; i < 60; ++i) REQUIRE(s->append({id_of(i), 0, 0}, as_bytes(content_of(i, 300))));
    REQUIRE(sync(*s));
    std::mt19937_64 random{seed};
    auto path = "shard/wal.segments/segment_" + std::to_string(1 + random() % 2) + ".wal";
    auto bytes = v.files.content(path).size();
    REQUIRE(bytes > 1000);
    v.files.flip_bit(path, random() % bytes, static_cast<unsigned>(random() % 8));
    bool reopen = random() % 2 == 0;
    if (reopen) { // then it is found by the replay
      s.reset();
      s = v.open();
    }
    int lost = 0;
    for (std::uint64_t i = 0; i < 60; ++i) {
      auto got = s->read({id_of(i), 0, 0});
      if (got) {
        REQUIRE(got->text() == content_of(i, 300));
      } else {
        REQUIRE((got.error().code == ec::corrupt || got.error().code == ec::not_found));
        ++lost;
      }
    }
    INFO("seed " << seed);
    REQUIRE(lost <= 1);
    REQUIRE(s->check());
  }
}

TEST_CASE("compaction leaves a segment alone that holds a live piece it can not read") {
  volume v{8};
  auto s = v.open();
  for (std::uint64_t i = 0; i < 60; ++i) REQUIRE(s->append({id_of(i), 0, 0}, as_bytes(content_of(i, 300))));
  REQUIRE(sync(*s));
  v.files.flip_bit("shard/wal.segments/segment_1.wal", 64 + 64 + 10, 0); // in the first piece
  REQUIRE(s->read({id_of(0), 0, 0}).error().code == ec::corrupt);
  for (std::uint64_t i = 1; i < 60; ++i)
    if (i != 5) REQUIRE(s->remove(id_of(i)));
  REQUIRE(checkpoint(*s));
  for (int i = 0; i < 100; ++i) {
    auto progress = s->compact(2000, {});
    if (progress && *progress == piece_store::compaction::wants_sync) REQUIRE(sync(*s));
  }
  REQUIRE(s->read({id_of(0), 0, 0}).error().code == ec::corrupt);
  REQUIRE(s->read({id_of(5), 0, 0})->text() == content_of(5, 300));
  REQUIRE(s->append({id_of(0), 0, 0}, as_bytes("repaired")));
  REQUIRE(s->read({id_of(0), 0, 0})->text() == "repaired");
  REQUIRE(s->check());
}

TEST_CASE("a segment that did not read once is compacted later: the pauses grow, to a bound") {
  volume v{10};
  auto s = v.open();
  for (std::uint64_t i = 0; i < 60; ++i) REQUIRE(s->append({id_of(i), 0, 0}, as_bytes(content_of(i, 300))));
  for (std::uint64_t i = 1; i < 60; ++i)
    if (i != 5) REQUIRE(s->remove(id_of(i)));
  REQUIRE(checkpoint(*s));
  auto until = [&](std::chrono::milliseconds now) { // how many pieces did not read
    int failed = 0;
    for (int i = 0; i < 200; ++i) {
      auto progress = s->compact(2000, now);
      if (!progress) {
        CHECK(progress.error().code == ec::io_error);
        auto found = s->take_unreadable();
        REQUIRE(found);
        CHECK((found->key == piece_key{id_of(0), 0, 0} || found->key == piece_key{id_of(5), 0, 0}));
        ++failed;
      } else if (*progress == piece_store::compaction::wants_sync) {
        REQUIRE(sync(*s));
      }
    }
    CHECK_FALSE(s->take_unreadable());
    return failed;
  };
  auto first = std::string{"shard/wal.segments/segment_1.wal"};
  v.files.add_fault({.on = sim_fault::operation::read, .path = first});
  auto now = std::chrono::milliseconds{1000};
  CHECK(until(now) == 1);
  CHECK(until(now + piece_store::retry_min / 2) == 0);
  auto pause = piece_store::retry_min;
  for (int i = 0; i < 12; ++i) {
    now += pause;
    CHECK(until(now) == 1);
    pause = std::min(2 * pause, piece_store::retry_max);
    CHECK(until(now + pause - std::chrono::milliseconds{1}) == 0);
  }
  v.files.clear_faults();
  CHECK(v.files.exists(first).value());
  CHECK(until(now + pause) == 0);
  CHECK_FALSE(v.files.exists(first).value());
  REQUIRE(s->read({id_of(0), 0, 0})->text() == content_of(0, 300));
  REQUIRE(s->check());
}

TEST_CASE("a full volume refuses appends with no_space, serves reads and removals, and takes appends again") {
  volume v{9};
  v.options.full_part = v.options.near_full_part = 1;
  v.options.full_bytes = v.options.near_full_bytes = 30'000; // tombstones and compaction need some room
  v.files.set_capacity(100'000);
  auto s = v.open();
  std::uint64_t written = 0;
  for (; written < 1000; ++written)
    if (auto ok = s->append({id_of(written), 0, 0}, as_bytes(content_of(written, 400))); !ok) {
      REQUIRE(ok.error().code == ec::no_space);
      break;
    }
  REQUIRE(written > 20);
  REQUIRE(written < 200);
  REQUIRE(s->space() == space_level::full);
  REQUIRE_FALSE(s->refusal().empty());
  REQUIRE(s->read({id_of(3), 0, 0})->text() == content_of(3, 400));
  for (std::uint64_t i = 0; i + 5 < written; ++i) REQUIRE(s->remove(id_of(i)));
  compact_all(*s);
  REQUIRE(s->append({id_of(5000), 0, 0}, as_bytes("room again")));
  REQUIRE(s->refusal().empty());
}

TEST_CASE("after a failed sync the store is read-only and says why") {
  volume v{10};
  auto s = v.open();
  REQUIRE(s->append({id_of(1), 0, 0}, as_bytes("x")));
  v.files.add_fault({.on = sim_fault::operation::sync, .path = "wal", .times = 1});
  REQUIRE_FALSE(sync(*s));
  REQUIRE_FALSE(s->poisoned().empty());
  REQUIRE(s->append({id_of(2), 0, 0}, as_bytes("y")).error().code == ec::closed);
  REQUIRE(s->remove(id_of(1)).error().code == ec::closed);
  REQUIRE_FALSE(s->checkpoint_due());
  REQUIRE(s->read({id_of(1), 0, 0})->text() == "x");
}

namespace {

// What a key may hold: the outcome that is on disk for sure, and every later one that may or may not have reached it.
using outcomes = std::vector<std::optional<std::string>>;

class crash_model {
public:
  void wrote(std::uint64_t id, std::uint64_t stripe, std::string content) {
    keys_.try_emplace({id, stripe}, outcomes{std::nullopt}).first->second.emplace_back(std::move(content));
  }
  void removed(std::uint64_t id) {
    for (auto& [key, values] : keys_)
      if (key.first == id) values.push_back(std::nullopt);
  }
  void synced() {
    for (auto& [key, values] : keys_) values = {values.back()};
  }
  void check_all(const piece_store& s, bool crashed) {
    std::uint64_t there = 0;
    for (auto& [key, values] : keys_) {
      auto got = s.read({id_of(key.first), key.second, 0});
      std::optional<std::string> found;
      INFO("data id " << key.first << " stripe " << key.second);
      if (got) {
        found = std::string{got->text()};
      } else {
        INFO(got.error().message);
        REQUIRE(got.error().code == ec::not_found);
      }
      if (crashed) {
        REQUIRE(std::find(values.begin(), values.end(), found) != values.end());
        values = {found};
      } else {
        REQUIRE(found == values.back());
      }
      there += found ? 1 : 0;
    }
    REQUIRE(s.count().pieces == there); // the index knows of no other
  }
  const std::map<std::pair<std::uint64_t, std::uint64_t>, outcomes>& keys() const { return keys_; }

private:
  std::map<std::pair<std::uint64_t, std::uint64_t>, outcomes> keys_{};
};

void live_through_crashes(std::uint64_t seed) {
  std::mt19937_64 random{seed};
  volume v{seed};
  v.options.replay_bytes_max = 2000 + random() % 30'000;
  v.options.life_min = 0.3 + static_cast<double>(random() % 60) / 100;
  crash_model model;
  std::uint64_t contents = 0;
  for (int life = 0; life < 12; ++life) {
    auto s = v.open();
    model.check_all(*s, true);
    if (random() % 3 == 0) v.files.power_off_after(random() % 300);
    std::function<result<>()> checkpointing;
    for (int i = 0; i < 250; ++i) {
      result<> outcome;
      auto id = random() % 25, stripe = random() % 4;
      switch (random() % 12) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4: {
        auto content = content_of(++contents, 1 + random() % 900);
        model.wrote(id, stripe, content); // even when it fails: then it may or may not be there
        outcome = s->append({id_of(id), stripe, 0}, as_bytes(content));
        break;
      }
      case 5:
      case 6:
        model.removed(id);
        outcome = s->remove(id_of(id));
        break;
      case 7:
        outcome = sync(*s);
        if (outcome) model.synced();
        break;
      case 8: // begun and finished at different times, as in the actor
        if (checkpointing) {
          outcome = sync(*s);
          if (outcome) {
            model.synced();
            outcome = checkpointing();
          }
          s->end_checkpoint(outcome);
          checkpointing = nullptr;
        } else {
          checkpointing = s->begin_checkpoint();
        }
        break;
      default:
        if (auto progress = s->compact(1 + random() % 3000, {}); !progress) outcome = progress.error();
      }
      if (!outcome) break; // a shard that can not write any more: only a restart helps
    }
    if (!v.files.powered_off()) {
      REQUIRE(s->check());
      if (s->poisoned().empty()) model.check_all(*s, false);
    }
    s.reset();
    if (v.files.powered_off() || random() % 4 != 0) v.files.crash(); // else only the process ended
    if (random() % 4 == 0) v.index = make_memory_base();
  }
}

} // namespace

TEST_CASE("through crashes, lost indexes and compaction, what was synced survives and what was removed stays removed") {
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    INFO("seed " << seed);
    live_through_crashes(seed);
  }
}
