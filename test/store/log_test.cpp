// The log on a disk that does as it is told: what append, read, rotate, truncate and open promise.
// Crashes: log_crash_test.cpp. Damage: log_damage_test.cpp.

#include "log_model.hpp"

#include "store/log.hpp"
#include "store/sim_disk.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <thread>

using namespace troupe;
using namespace troupe::test;

TEST_CASE("a new log is empty and appends are read back") {
  sim_disk d{1};
  auto l = open_log(d, small_segments()).value();
  CHECK(l->end() == log_position{1, 64});
  CHECK(l->end() == l->durable());
  auto first = append(*l, 1, "hello").value();
  CHECK(first == log_position{1, 64});
  CHECK(l->end() == log_position{1, 64 + 64 + 8});
  CHECK(l->durable() == first);
  REQUIRE(l->sync());
  CHECK(l->durable() == l->end());
  auto [record, payload] = l->read(first).value();
  CHECK(record.n1 == 1);
  CHECK(record.type == 7);
  CHECK(payload.text() == "hello");
}

TEST_CASE("a payload of several buffers, and none at all, come back as one") {
  sim_disk d{1};
  auto l = open_log(d, small_segments()).value();
  std::vector<bytes_view> parts{as_bytes("ab"), as_bytes(""), as_bytes("cde")};
  auto at = l->append({.type = 1, .id = {}, .n1 = 0, .n2 = 0}, parts).value();
  auto empty = l->append({.type = 1, .id = {}, .n1 = 0, .n2 = 0}, {}).value();
  CHECK(l->read(at).value().second.text() == "abcde");
  CHECK(l->read(empty).value().second.empty());
}

TEST_CASE("what cannot be appended is refused and leaves no trace") {
  sim_disk d{1};
  auto options = small_segments();
  options.payload_bytes_max = 100;
  auto l = open_log(d, options).value();
  CHECK(append(*l, 1, std::string(101, 'x')).error().code == ec::too_large);
  CHECK(l->append({.type = 0, .id = {}, .n1 = 0, .n2 = 0}, {}).error().code == ec::bad_argument);
  CHECK(l->end() == log_position{1, 64});
  CHECK(append(*l, 1, std::string(100, 'x')));
}

TEST_CASE("positions that hold no record are refused") {
  sim_disk d{1};
  auto l = open_log(d, small_segments()).value();
  auto at = append(*l, 1, "hello there").value();
  CHECK(l->read(l->end()).error().code == ec::not_found);
  CHECK(l->read({1, at.offset + 24}).error().code == ec::not_found);
  CHECK(l->read({1, 0}).error().code == ec::bad_argument);
  CHECK(l->read({1, at.offset + 1}).error().code == ec::bad_argument);
  CHECK(l->read({9, 64}).error().code == ec::not_found);
  append(*l, 2, std::string(200, 'y')).value();
  CHECK(l->read({1, at.offset + 8}).error().code == ec::corrupt);
}

TEST_CASE("a full segment is closed and the next one goes on") {
  sim_disk d{1};
  auto l = open_log(d, small_segments()).value();
  std::vector<log_position> at;
  for (std::uint64_t i = 0; i < 100; ++i) at.push_back(append(*l, i, text_of(i)).value());
  CHECK(l->segments().size() > 3);
  CHECK(l->segments().back().number == l->end().segment);
  CHECK(std::is_sorted(at.begin(), at.end()));
  for (std::uint64_t i = 0; i < 100; ++i) CHECK(l->read(at[i]).value().second.text() == text_of(i));
  CHECK(d.exists("log/wal.active").value());
  CHECK(d.exists("log/wal.segments/segment_1.wal").value());

  SECTION("opening replays everything in order") {
    REQUIRE(l->sync());
    l.reset();
    auto seen = std::vector<seen_record>{};
    l = open_log(d, small_segments(), {}, &seen).value();
    REQUIRE(seen.size() == 100);
    for (std::uint64_t i = 0; i < 100; ++i) {
      CHECK(seen[i].n1 == i);
      CHECK(seen[i].position == at[i]);
      CHECK(seen[i].payload == text_of(i));
    }
    CHECK(l->read(at[50]).value().second.text() == text_of(50));
  }
  SECTION("opening from a position replays what is at or after it, and reads no earlier segment") {
    REQUIRE(l->sync());
    l.reset();
    d.flip_bit("log/wal.segments/segment_1.wal", 100, 3);
    for (std::uint64_t first : {30U, 70U, 99U}) {
      auto seen = std::vector<seen_record>{};
      l = open_log(d, small_segments(), at[first], &seen).value();
      REQUIRE(seen.size() == 100 - first);
      CHECK(seen.front().n1 == first);
      l.reset();
    }
    CHECK(open_log(d, small_segments()).error().code == ec::corrupt);
  }
  SECTION("a removed segment is gone, and stays so") {
    CHECK(l->remove_segment(l->end().segment).error().code == ec::bad_argument);
    REQUIRE(l->remove_segment(2));
    CHECK(l->remove_segment(2).error().code == ec::not_found);
    auto in_two = std::find_if(at.begin(), at.end(), [](auto p) { return p.segment == 2; });
    CHECK(l->read(*in_two).error().code == ec::not_found);
    l.reset();
    l = open_log(d, small_segments()).value();
    CHECK(l->segments().front().number == 1);
    CHECK(l->segments()[1].number == 3);
  }
}

TEST_CASE("an end is a position to replay from, also at a segment's edge") {
  sim_disk d{1};
  auto l = open_log(d, small_segments()).value();
  for (std::uint64_t i = 0; i < 40; ++i) {
    append(*l, i, text_of(i)).value();
    REQUIRE(l->sync());
    auto from = l->end();
    if (i % 5 == 4) REQUIRE(l->rotate());
    l.reset();
    auto seen = std::vector<seen_record>{};
    l = open_log(d, small_segments(), from, &seen).value();
    CHECK(seen.empty());
  }
}

TEST_CASE("an error of the visitor is open's error") {
  sim_disk d{1};
  append(*open_log(d, small_segments()).value(), 1, "x").value();
  auto outcome = log::open(d, small_segments(), {}, [](auto&) -> result<> { return fail(ec::conflict, "no"); });
  CHECK(outcome.error().code == ec::conflict);
}

TEST_CASE("truncation forgets a suffix, in the active segment and back into closed ones") {
  for (std::uint64_t kept = 0; kept < 60; ++kept) {
    INFO("kept " << kept);
    sim_disk d{kept};
    auto l = open_log(d, small_segments()).value();
    std::vector<log_position> at;
    for (std::uint64_t i = 0; i < 60; ++i) at.push_back(append(*l, i, text_of(i)).value());
    REQUIRE(l->truncate_from(at[kept]));
    CHECK(l->end() == at[kept]);
    CHECK(l->durable() == l->end());
    CHECK(l->read(at.back()).error().code == ec::not_found);
    if (kept > 0) CHECK(l->read(at[kept - 1]).value().second.text() == text_of(kept - 1));
    for (std::uint64_t i = kept; i < kept + 20; ++i) append(*l, i, "new " + text_of(i)).value();
    REQUIRE(l->sync());
    l.reset();
    d.crash();
    auto seen = std::vector<seen_record>{};
    l = open_log(d, small_segments(), {}, &seen).value();
    REQUIRE(seen.size() == kept + 20);
    for (std::uint64_t i = 0; i < seen.size(); ++i) CHECK(seen[i].payload == (i < kept ? "" : "new ") + text_of(i));
  }
}

TEST_CASE("truncation at something that is no record is refused") {
  sim_disk d{1};
  auto l = open_log(d, small_segments()).value();
  auto at = append(*l, 1, std::string(100, 'x')).value();
  CHECK(l->truncate_from({1, at.offset + 8}).error().code == ec::corrupt);
  CHECK(l->read(at));
  CHECK(l->truncate_from(l->end()));
  CHECK(l->truncate_from({5, 64}));
}

TEST_CASE("a log whose front was compacted away can be truncated to before it") {
  sim_disk d{1};
  auto l = open_log(d, small_segments()).value();
  for (std::uint64_t i = 0; i < 60; ++i) append(*l, i, text_of(i)).value();
  REQUIRE(l->remove_segment(1));
  REQUIRE(l->truncate_from({1, 64}));
  CHECK(l->end() == log_position{1, 64});
  CHECK(l->segments().size() == 1);
  append(*l, 5, "anew").value();
  l.reset();
  auto seen = std::vector<seen_record>{};
  l = open_log(d, small_segments(), {}, &seen).value();
  CHECK(seen.size() == 1);
}

TEST_CASE("a sync ticket from before a truncation proves nothing") {
  sim_disk d{1};
  auto l = open_log(d, small_segments()).value();
  auto first = append(*l, 1, "one").value();
  append(*l, 2, std::string(300, 'x')).value();
  auto ticket = l->prepare_sync();
  auto outcome = ticket.run();
  REQUIRE(outcome);
  REQUIRE(l->truncate_from(first));
  append(*l, 3, std::string(100, 'y')).value();
  l->synced(ticket, outcome);
  CHECK(l->durable() == first);
}

TEST_CASE("a failed write or sync closes the log for appends; reads go on") {
  sim_disk d{1};
  auto l = open_log(d, small_segments()).value();
  auto at = append(*l, 1, "one").value();
  SECTION("write") {
    d.add_fault({.on = sim_fault::operation::write, .path = "wal.active", .after = 0, .times = 1});
    CHECK(append(*l, 2, "two").error().code == ec::io_error);
  }
  SECTION("sync") {
    d.add_fault({.on = sim_fault::operation::sync, .path = "wal.active", .after = 0, .times = 1});
    auto before = l->prepare_sync();
    auto first = l->prepare_sync();
    auto outcome = first.run();
    CHECK(outcome.error().code == ec::io_error);
    CHECK(before.run().error().code == ec::closed); // the kernel would say yes
    l->synced(first, outcome);
    auto again = l->sync();
    CHECK(again.error().code == ec::closed);
    CHECK(l->durable() == log_position{1, 64});
  }
  CHECK(append(*l, 3, "three").error().code == ec::closed);
  CHECK(l->rotate().error().code == ec::closed);
  CHECK(l->truncate_from(at).error().code == ec::closed);
  CHECK(l->read(at).value().second.text() == "one");
}

TEST_CASE("a full disk fails the record and nothing else") {
  auto reopen_while_full = GENERATE(false, true);
  CAPTURE(reopen_while_full);
  for (std::uint64_t room = 0; room < 700; room += 7) {
    INFO("room " << room);
    sim_disk d{room};
    auto options = small_segments();
    options.segment_bytes = 400;
    auto l = open_log(d, options).value();
    append(*l, 0, text_of(0)).value();
    REQUIRE(l->sync());
    d.set_capacity(d.space().value().total_bytes - d.space().value().free_bytes + room);
    std::uint64_t acked = 1;
    for (; acked < 30; ++acked) {
      auto ok = append(*l, acked, text_of(acked));
      if (!ok) {
        CHECK(ok.error().code == ec::no_space);
        break;
      }
    }
    REQUIRE(acked < 30);
    if (d.exists("log/wal.active").value() && l->end().offset > 64)
      CHECK(d.content("log/wal.active").size() == l->end().offset);
    CHECK(append(*l, acked, std::string(1000, 'z')).error().code == ec::no_space);
    auto synced = l->sync();
    REQUIRE(synced);
    if (reopen_while_full) {
      l.reset();
      std::vector<seen_record> replayed;
      l = open_log(d, options, {}, &replayed).value();
      REQUIRE(replayed.size() == acked);
      CHECK(append(*l, acked, std::string(1000, 'z')).error().code == ec::no_space);
    }
    d.set_capacity(1 << 20);
    append(*l, acked, text_of(acked)).value();
    REQUIRE(l->sync());
    d.crash();
    std::vector<seen_record> seen;
    l = open_log(d, options, {}, &seen).value();
    REQUIRE(seen.size() == acked + 1);
    for (std::uint64_t i = 0; i < seen.size(); ++i) CHECK(seen[i].payload == text_of(i));
  }
}

TEST_CASE("readers run beside the owner's appends, rotations, syncs and removals") {
  sim_disk d{1};
  auto l = open_log(d, small_segments()).value();
  auto first = append(*l, 0, text_of(0)).value();
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> good{0}, gone{0};
  std::vector<std::thread> readers;
  for (int t = 0; t < 2; ++t)
    readers.emplace_back([&] {
      while (!stop) {
        auto r = l->read(first);
        if (r && r->second.text() == text_of(0))
          ++good;
        else if (!r && r.error().code == ec::not_found)
          ++gone;
        else
          std::abort();
      }
    });
  while (good == 0) std::this_thread::yield();
  for (std::uint64_t i = 1; i < 500; ++i) {
    append(*l, i, text_of(i)).value();
    if (i % 10 == 0) {
      auto ticket = l->prepare_sync();
      result<> outcome;
      std::thread{[&] { outcome = ticket.run(); }}.join();
      l->synced(ticket, outcome);
    }
    if (i == 400) REQUIRE(l->remove_segment(1));
  }
  while (gone == 0) std::this_thread::yield();
  stop = true;
  for (auto& t : readers) t.join();
}

TEST_CASE("more closed segments than open files are read") {
  sim_disk d{1};
  auto options = small_segments();
  options.segment_bytes = 100;
  auto l = open_log(d, options).value();
  std::vector<log_position> at;
  for (std::uint64_t i = 0; i < 200; ++i) at.push_back(append(*l, i, text_of(i)).value());
  REQUIRE(l->segments().size() > 150);
  for (std::uint64_t round = 0; round < 3; ++round)
    for (std::uint64_t i = 0; i < 200; ++i)
      REQUIRE(l->read(at[(i * 37) % 200]).value().second.text() == text_of((i * 37) % 200));
}
