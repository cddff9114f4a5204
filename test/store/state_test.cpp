// State over both bases against a std::map, with checkpoints, failures and reopening in between.
// With a log and crashes: state_crash_test.cpp.

#include "temporary_directory.hpp"

#include "support/print_result.hpp"

#include "store/separated_base.hpp"
#include "store/state.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <map>
#include <random>
#include <thread>

using namespace troupe;
using namespace troupe::test;

namespace {

using model = std::map<std::string, std::string>;

// Many share long prefixes, and lengths lie around the places where a key is split.
std::string random_key(std::mt19937_64& random) {
  static const std::size_t lengths[] = {0, 1, 3, 20, 479, 480, 481, 600, 959, 960, 961, 1024, 1024, 1440, 1500, 2048};
  std::string key(lengths[random() % std::size(lengths)], 'k');
  for (int changes = 0; changes < 2 && !key.empty(); ++changes) {
    auto place = random() % 3 == 0 ? random() % key.size() : key.size() - 1;
    key[place] = "k\0\xff"
                 "az"[random() % 5];
  }
  return key;
}

std::shared_ptr<state_base> open_base(const std::string& path) {
  return open_lmdb_base({.path = path, .map_bytes_max = std::uint64_t{1} << 30}).value();
}

model all_rows(const state& s, std::string_view from = {}) {
  model rows;
  auto c = s.scan().value();
  REQUIRE(c->seek(from));
  std::optional<std::string> last;
  while (c->valid()) {
    if (last) REQUIRE(*last < c->key());
    last = c->key();
    rows.emplace(c->key(), c->value());
    REQUIRE(c->next());
  }
  return rows;
}

void check_same(const state& s, const model& m, std::mt19937_64& random) {
  REQUIRE(all_rows(s) == m);
  for (int i = 0; i < 20; ++i) {
    auto key = random_key(random);
    auto row = m.find(key);
    auto got = s.get(key);
    REQUIRE(got);
    REQUIRE(*got == (row == m.end() ? std::nullopt : std::optional{row->second}));
    auto c = s.scan().value();
    REQUIRE(c->seek(key));
    row = m.lower_bound(key);
    REQUIRE(c->valid() == (row != m.end()));
    if (row == m.end()) continue;
    REQUIRE(c->key() == row->first);
    REQUIRE(c->value() == row->second);
    REQUIRE(c->next());
    ++row;
    REQUIRE(c->valid() == (row != m.end()));
    if (row != m.end()) REQUIRE(c->key() == row->first);
  }
}

} // namespace

TEST_CASE("a state is the map that was put into it, whatever is checkpointed when") {
  auto in_memory = GENERATE(true, false);
  auto seed = GENERATE(range(1U, 6U));
  CAPTURE(in_memory, seed);
  temporary_directory directory;
  std::mt19937_64 random{seed};
  std::shared_ptr<state_base> base = in_memory ? make_memory_base() : open_base(directory.path());
  auto s = std::make_unique<state>(base);
  model rows, at_checkpoint;
  std::string position;
  std::function<result<>()> work;
  for (int step = 0; step < 1500; ++step) {
    auto key = random() % 4 != 0 || rows.empty()
      ? random_key(random)
      : std::next(rows.begin(), static_cast<long>(random() % rows.size()))->first;
    if (random() % 5 < 3) {
      auto value = std::string(random() % 50 == 0 ? 9000 : random() % 30, 'v') + std::to_string(step);
      s->put(key, value);
      rows[key] = value;
    } else {
      s->erase(key);
      rows.erase(key);
    }
    switch (random() % 40) {
    case 0:
      if (!s->checkpointing()) {
        position = std::to_string(step);
        at_checkpoint = rows;
        work = s->begin_checkpoint(position);
      }
      break;
    case 1:
      if (s->checkpointing()) {
        if (random() % 3 == 0) {
          s->end_checkpoint(fail(ec::no_space, "said the test"));
        } else {
          auto outcome = work();
          REQUIRE(outcome);
          check_same(*s, rows, random);
          s->end_checkpoint(outcome);
          REQUIRE(s->position() == position);
        }
      }
      break;
    case 2: check_same(*s, rows, random); break;
    case 3: // what a restart without a log finds: the last checkpoint
      if (random() % 4 == 0 && !s->checkpointing() && s->position() == position) {
        s.reset();
        work = nullptr; // holds the base
        base = in_memory ? base : nullptr;
        if (!in_memory) base = open_base(directory.path());
        s = std::make_unique<state>(base);
        rows = at_checkpoint;
        REQUIRE(s->position() == position);
        check_same(*s, rows, random);
      }
      break;
    default: break;
    }
  }
  check_same(*s, rows, random);
  // Erased to the last row, nothing is left behind.
  if (s->checkpointing()) s->end_checkpoint(fail(ec::io_error, "never ran"));
  for (auto& [key, value] : rows) s->erase(key);
  auto outcome = s->begin_checkpoint("end")();
  REQUIRE(outcome);
  s->end_checkpoint(outcome);
  CHECK(s->overlay_bytes() == 0);
  CHECK(all_rows(*s).empty());
}

TEST_CASE("keys of 1024 bytes that differ only at the end keep their order") {
  temporary_directory directory;
  state s{open_base(directory.path())};
  model rows;
  for (int i = 0; i < 256; ++i) rows[std::string(1023, 'x') + static_cast<char>(i)] = std::to_string(i);
  rows[std::string(1023, 'x')] = "shorter";
  rows[std::string(480, 'x')] = "one part exactly";
  rows["x"] = "short";
  for (auto& [key, value] : rows) s.put(key, value);
  auto outcome = s.begin_checkpoint("p")();
  REQUIRE(outcome);
  s.end_checkpoint(outcome);
  CHECK(all_rows(s) == rows);
  auto from = std::string(1023, 'x') + "d";
  CHECK(all_rows(s, from) == model{rows.find(from), rows.end()});
  CHECK(all_rows(s, std::string(1024, 'y')).empty());
}

TEST_CASE("the overlay's size is that of its keys and values") {
  state s{make_memory_base()};
  s.put("abc", "12345");
  CHECK(s.overlay_bytes() == 8);
  s.put("abc", "1");
  CHECK(s.overlay_bytes() == 4);
  s.erase("abc");
  CHECK(s.overlay_bytes() == 3);
  s.erase("de");
  CHECK(s.overlay_bytes() == 5);
  auto work = s.begin_checkpoint("1");
  s.put("f", "g");
  CHECK(s.overlay_bytes() == 7);
  s.end_checkpoint(fail(ec::io_error, "no"));
  CHECK(s.overlay_bytes() == 7);
  work = s.begin_checkpoint("2");
  s.end_checkpoint(work());
  CHECK(s.overlay_bytes() == 0);
}

TEST_CASE("a full map fails the checkpoint and keeps the rows") {
  temporary_directory directory;
  std::shared_ptr<state_base> base = open_lmdb_base({.path = directory.path(), .map_bytes_max = 1 << 20}).value();
  state s{base};
  for (int i = 0; i < 3000; ++i) s.put("key" + std::to_string(i), std::string(1000, 'v'));
  auto outcome = s.begin_checkpoint("p")();
  CHECK(outcome.error().code == ec::no_space);
  s.end_checkpoint(outcome);
  CHECK(s.position().empty());
  CHECK(s.get("key2999").value() == std::string(1000, 'v'));
  CHECK(all_rows(s).size() == 3000);
  for (int i = 100; i < 3000; ++i) s.erase("key" + std::to_string(i));
  outcome = s.begin_checkpoint("q")();
  REQUIRE(outcome);
  s.end_checkpoint(outcome);
  CHECK(all_rows(s).size() == 100);
}

TEST_CASE("values around the bounds of pages are kept whole, and leave nothing when they are replaced or erased") {
  temporary_directory directory;
  std::shared_ptr<state_base> base = open_base(directory.path());
  const std::string keys[] = {"short", std::string(700, 'l')};
  auto content = [](std::size_t n) {
    std::string s(n, '\0');
    for (std::size_t i = 0; i < n; ++i) s[i] = static_cast<char>(i * 31 % 251);
    return s;
  };
  std::vector<std::size_t> sizes;
  for (const std::size_t pages : {4096UL, 8192UL, 65536UL})
    for (const std::size_t more : {0UL, 1UL, 15UL, 16UL, 17UL, 100UL, 511UL, 512UL, 513UL, 528UL, 529UL})
      sizes.push_back(pages - 16 + more);
  std::size_t before = 100;
  for (const auto size : sizes) {
    for (const auto next : {size, before, size}) { // over a longer one and over a shorter one
      state_base::changes all;
      for (const auto& k : keys) all.emplace(k, content(next));
      REQUIRE(base->apply(all, "p"));
      auto c = base->scan().value();
      REQUIRE(c->seek(""));
      for (const auto& k : {keys[1], keys[0]}) { // 'l' is before 's'
        CHECK(base->get(k).value() == content(next));
        REQUIRE(c->valid());
        CHECK(c->key() == k);
        CHECK(c->value() == content(next));
        REQUIRE(c->next());
      }
      CHECK_FALSE(c->valid());
    }
    before = size;
  }
  REQUIRE(base->apply({{keys[0], std::nullopt}, {keys[1], std::nullopt}}, "q"));
  REQUIRE(base->apply(
    {{keys[0], content(4080)}, {keys[1], content(4080)}}, "r")); // no tail of the old ones is taken for theirs
  for (const auto& k : keys) CHECK(base->get(k).value() == content(4080));
  // As many rows as were put: a copy, which holds nothing else, is as small as one of a new base.
  temporary_directory other;
  std::shared_ptr<state_base> fresh = open_base(other.path());
  REQUIRE(fresh->apply({{keys[0], content(4080)}, {keys[1], content(4080)}}, "r"));
  CHECK(base->copy().value()->bytes() == fresh->copy().value()->bytes());
}

TEST_CASE("a row that is too long is refused by the base, and nothing of its batch is written") {
  temporary_directory directory;
  auto base = open_base(directory.path());
  CHECK(base->apply({{"a", "1"}, {std::string(2049, 'x'), "2"}}, "p").error().code == ec::bad_argument);
  CHECK(base->get("a").value() == std::nullopt);
  CHECK(base->position().value().empty());
}

TEST_CASE("a base that is not one of ours is refused") {
  temporary_directory directory;
  { std::shared_ptr<state_base> base = open_base(directory.path()); }
  auto* f = std::fopen((directory.path() + "/data.mdb").c_str(), "r+");
  std::string junk(8192, 'j');
  std::fwrite(junk.data(), 1, junk.size(), f);
  std::fclose(f);
  auto base = open_lmdb_base({.path = directory.path()});
  REQUIRE(!base);
  CHECK(base.error().code == ec::corrupt);
  CHECK(base.error().message.find(directory.path()) == 0);
  CHECK(open_lmdb_base({.path = directory.path() + "/not/there"}).error().code == ec::io_error);
}

TEST_CASE("a base that is open is not opened again") {
  temporary_directory directory;
  auto base = open_base(directory.path());
  CHECK(open_lmdb_base({.path = directory.path()}).error().code == ec::conflict);
  base.reset();
  CHECK(open_lmdb_base({.path = directory.path()}));
}

TEST_CASE("the owner goes on reading and writing while another thread checkpoints") {
  enum class kind { memory, lmdb, separated };
  auto of = GENERATE(kind::memory, kind::lmdb, kind::separated);
  CAPTURE(static_cast<int>(of));
  temporary_directory directory;
  auto base = of == kind::memory ? make_memory_base() : open_base(directory.path());
  if (of == kind::separated) {
    separation_options o;
    o.files = make_posix_disk(directory.path());
    o.value_bytes_min = 100;
    o.segment_bytes = 20'000;
    base = separate_values(std::move(base), std::move(o)).value();
  }
  state s{std::move(base)};
  std::mt19937_64 random{3};
  model rows;
  auto write = [&] {
    auto key = std::to_string(random() % 2000) + std::string(random() % 2 * 600, 'x');
    if (random() % 4 == 0) {
      s.erase(key);
      rows.erase(key);
    } else {
      rows[key] = std::to_string(random() % 1000) + std::string(random() % 2 * 150, 'v');
      s.put(key, rows[key]);
    }
  };
  for (int round = 0; round < 8; ++round) {
    for (int i = 0; i < 300; ++i) write();
    auto work = s.begin_checkpoint(std::to_string(round));
    std::atomic<bool> done{false};
    result<> outcome;
    std::thread other{[&] {
      outcome = work();
      done = true;
    }};
    int turns = 0;
    while (!done || turns < 3) {
      ++turns;
      write();
      REQUIRE(s.get(rows.begin()->first).value() == rows.begin()->second);
      if (turns % 16 == 0) REQUIRE(all_rows(s) == rows);
    }
    other.join();
    REQUIRE(outcome);
    s.end_checkpoint(outcome);
    REQUIRE(all_rows(s) == rows);
  }
}
