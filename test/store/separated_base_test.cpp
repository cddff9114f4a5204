// Rows whose values are in a log of their own: what is where, what goes, what is carried to other machines, and damage.
// Against a model with crashes: state_crash_test.cpp.

#include "support/print_result.hpp"
#include "temporary_directory.hpp"

#include "store/separated_base.hpp"
#include "store/sim_disk.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <map>
#include <random>

using namespace troupe;
using namespace troupe::test;

namespace {

const std::string segment_names = "values/wal.segments";

std::string content(std::size_t n, int salt) {
  std::string s(n, '\0');
  for (std::size_t i = 0; i < n; ++i) s[i] = static_cast<char>((i + 1) * 31 * static_cast<std::size_t>(salt + 1) % 251);
  return s;
}

struct bench_of_values {
  std::shared_ptr<state_base> open() {
    separation_options o;
    o.files = files;
    o.value_bytes_min = 100;
    o.value_bytes_max = 5000;
    o.segment_bytes = 10'000;
    o.scan_bytes_min = 4'000;
    o.scratch = [] { return result<std::shared_ptr<state_base>>{make_memory_base()}; };
    auto made = separate_values(rows, std::move(o));
    REQUIRE(made);
    return *made;
  }
  std::size_t segments() { return files->list(segment_names).value().size(); }

  std::shared_ptr<sim_disk> files = std::make_shared<sim_disk>(1);
  std::shared_ptr<state_base> rows = make_memory_base();
};

std::map<std::string, std::string> all_of(const state_base& b) {
  std::map<std::string, std::string> out;
  auto c = b.scan().value();
  REQUIRE(c->seek(""));
  while (c->valid()) {
    out.emplace(c->key(), c->value());
    REQUIRE(c->next());
  }
  return out;
}

} // namespace

TEST_CASE("values of some size are apart from their rows, and are read as if they were not") {
  bench_of_values b;
  auto base = b.open();
  REQUIRE(base->apply({{"large", content(6000, 1)}, {"middle", content(100, 2)}, {"small", content(99, 3)}}, "p1"));
  CHECK(b.rows->get("large").value()->size() == 6000);
  CHECK(b.rows->get("middle").value()->size() < 50);
  CHECK(b.rows->get("small").value()->size() == 99);
  for (int opened = 0; opened < 2; ++opened) {
    CHECK(base->position().value() == "p1");
    CHECK(base->get("middle").value() == content(100, 2));
    CHECK(base->get("none").value() == std::nullopt);
    CHECK(all_of(*base) ==
      std::map<std::string, std::string>{
        {"large", content(6000, 1)}, {"middle", content(100, 2)}, {"small", content(99, 3)}});
    base.reset();
    base = b.open();
  }
  REQUIRE(base->apply({{"middle", std::nullopt}}, "p2"));
  CHECK(base->get("middle").value() == std::nullopt);
}

TEST_CASE("rows from before values were kept apart are read, and stay as they are until they are written") {
  bench_of_values b;
  REQUIRE(b.rows->apply({{"old", content(500, 1)}, {"other", content(500, 2)}}, "p1"));
  auto base = b.open();
  CHECK(base->position().value() == "p1");
  REQUIRE(base->apply({{"other", content(500, 3)}}, "p2"));
  CHECK(base->get("old").value() == content(500, 1));
  CHECK(base->get("other").value() == content(500, 3));
  CHECK(b.rows->get("old").value()->size() == 500);
}

TEST_CASE("a value that is what another base would point with is a value") {
  bench_of_values b, other;
  REQUIRE(other.open()->apply({{"k", content(200, 1)}}, "p"));
  auto looks_like = other.rows->get("k").value().value();
  auto base = b.open();
  REQUIRE(base->apply({{"a", content(200, 2)}, {"k", looks_like}}, "p"));
  CHECK(base->get("k").value() == looks_like);
}

TEST_CASE("segments whose values are mostly not needed any more go, and what is needed of them stays") {
  bench_of_values b;
  auto base = b.open();
  std::map<std::string, std::string> expected;
  std::mt19937_64 random{1};
  for (int round = 0; round < 300; ++round) {
    state_base::changes all;
    for (int i = 0; i < 4; ++i) {
      auto key = "k" + std::to_string(random() % 40);
      auto value = content(100 + random() % 300, round);
      all.insert_or_assign(key, value);
      expected.insert_or_assign(key, value);
    }
    if (random() % 4 == 0) {
      auto key = "k" + std::to_string(random() % 40);
      all.insert_or_assign(key, std::nullopt);
      expected.erase(key);
    }
    REQUIRE(base->apply(all, std::to_string(round)));
    if (round % 40 == 39) { // the waste that a write found is noted by the next
      base.reset();
      base = b.open();
    }
  }
  CHECK(all_of(*base) == expected);
  // 300 rounds wrote 30 segments; what lives is about one.
  CHECK(b.segments() <= 5);
}

TEST_CASE("an open cursor keeps the segments that it may look at") {
  bench_of_values b;
  auto base = b.open();
  state_base::changes all;
  for (int i = 0; i < 80; ++i) all.emplace("k" + std::to_string(100 + i), content(300, i));
  REQUIRE(base->apply(all, "p"));
  auto before = all_of(*base);
  auto c = base->scan().value();
  REQUIRE(c->seek(""));
  state_base::changes gone;
  for (auto& [key, value] : all) gone.emplace(key, std::nullopt);
  REQUIRE(base->apply(gone, "q"));
  for (int i = 0; i < 20; ++i) REQUIRE(base->apply({{"x", content(300, i)}}, "r"));
  std::map<std::string, std::string> seen;
  while (c->valid()) {
    seen.emplace(c->key(), c->value());
    REQUIRE(c->next());
  }
  CHECK(seen == before);
  CHECK(b.segments() >= 2);
  c.reset();
  for (int i = 0; i < 3; ++i) REQUIRE(base->apply({{"x", content(300, i)}}, "s"));
  CHECK(b.segments() <= 1);
}

TEST_CASE("a copy has its values in its rows, and what it replaces goes with its values") {
  bench_of_values from, to;
  auto source = from.open(), target = to.open();
  state_base::changes some, other;
  for (int i = 0; i < 80; ++i) some.emplace("k" + std::to_string(i), content(50 + static_cast<std::size_t>(i) * 10, i));
  for (int i = 0; i < 80; ++i) other.emplace("o" + std::to_string(i), content(300, i));
  REQUIRE(source->apply(some, "the source's"));
  REQUIRE(target->apply(other, "the target's"));
  REQUIRE(to.segments() >= 2);

  auto copy = source->copy().value();
  CHECK(copy->position() == "the source's");
  auto arrival = target->receive().value();
  REQUIRE(arrival->append(as_bytes(copy->read(0, static_cast<std::size_t>(copy->bytes())).value())));
  REQUIRE(arrival->finish(copy->bytes(), copy->checksum()));
  REQUIRE(target->replace(*arrival));
  for (int opened = 0; opened < 2; ++opened) {
    CHECK(target->position().value() == "the source's");
    CHECK(all_of(*target) == all_of(*source));
    CHECK(to.segments() == 0);
    target.reset();
    target = to.open();
  }
  REQUIRE(target->apply({{"k1", content(400, 7)}}, "next"));
  CHECK(target->get("k1").value() == content(400, 7));
  CHECK(target->get("k70").value() == content(750, 70));
}

TEST_CASE("a damaged value is told, and no other is") {
  bench_of_values b;
  auto base = b.open();
  REQUIRE(base->apply({{"a", content(400, 1)}, {"b", content(400, 2)}}, "p"));
  auto at = b.files->content("values/wal.active").find(content(400, 2).substr(0, 100));
  REQUIRE(at != std::string::npos);
  b.files->flip_bit("values/wal.active", at + 5, 3);
  CHECK(base->get("a").value() == content(400, 1));
  CHECK(base->get("b").error().code == ec::corrupt);
  base.reset();
  base = b.open(); // only what is behind the noted end is looked at
  CHECK(base->get("b").error().code == ec::corrupt);
}

TEST_CASE("a segment that can not be read through is kept, and writes go on") {
  bench_of_values b;
  auto base = b.open();
  state_base::changes all;
  for (int i = 0; i < 80; ++i) all.emplace("k" + std::to_string(i), content(300, i));
  REQUIRE(base->apply(all, "p"));
  auto first = segment_names + "/" + b.files->list(segment_names).value().front();
  b.files->flip_bit(first, 500, 1);
  REQUIRE(base->get("k1").error().code == ec::corrupt);
  const std::string kept = "k11"; // behind it
  state_base::changes gone;
  for (auto& [key, value] : all)
    if (key != kept) gone.emplace(key, std::nullopt);
  REQUIRE(base->apply(gone, "q"));
  for (int i = 0; i < 30; ++i) REQUIRE(base->apply({{"x", content(300, i)}}, "r"));
  CHECK(b.files->exists(first).value());
  CHECK(base->get(kept).value() == all.at(kept));
}

TEST_CASE("a log of values that lost what rows point to is told when it is opened") {
  bench_of_values b;
  REQUIRE(b.open()->apply({{"a", content(400, 1)}}, "p"));
  b.files = std::make_shared<sim_disk>(2);
  separation_options o;
  o.files = b.files;
  CHECK(separate_values(b.rows, std::move(o)).error().code == ec::corrupt);
}

TEST_CASE("a segment that is gone is damage: its keys are not missing, and the base is not opened again") {
  bench_of_values b;
  auto base = b.open();
  state_base::changes all;
  for (int i = 0; i < 80; ++i) all.emplace("k" + std::to_string(100 + i), content(300, i));
  REQUIRE(base->apply(all, "p"));
  auto first = segment_names + "/" + b.files->list(segment_names).value().front();
  REQUIRE(b.files->remove(first));
  CHECK(base->get("k100").error().code == ec::corrupt);
  CHECK(base->get("k179").value() == content(300, 79));
  base.reset();
  separation_options o;
  o.files = b.files;
  CHECK(separate_values(b.rows, std::move(o)).error().code == ec::corrupt);
}

TEST_CASE("a full disk fails a write, loses nothing, and the next one is made") {
  bench_of_values b;
  auto base = b.open();
  REQUIRE(base->apply({{"a", content(400, 1)}}, "p"));
  b.files->add_fault({.on = sim_fault::operation::write, .path = "values", .times = 1, .code = ec::no_space});
  CHECK(base->apply({{"a", content(400, 2)}, {"b", content(400, 3)}}, "q").error().code == ec::no_space);
  CHECK(base->position().value() == "p");
  CHECK(base->get("a").value() == content(400, 1));
  REQUIRE(base->apply({{"a", content(400, 2)}, {"b", content(400, 3)}}, "q"));
  CHECK(base->get("a").value() == content(400, 2));
  CHECK(base->get("b").value() == content(400, 3));
}

TEST_CASE("over LMDB: values, copies, and an opening after a copy that a crash left half made") {
  temporary_directory here, there;
  auto base = open_separated_base({.path = here.path(), .map_bytes_max = std::uint64_t{1} << 30}).value();
  state_base::changes all;
  for (int i = 0; i < 300; ++i) all.emplace("k" + std::to_string(i), content(4096, i));
  REQUIRE(base->apply(all, "p"));
  auto copy = base->copy().value();
  {
    auto target = open_separated_base({.path = there.path(), .map_bytes_max = std::uint64_t{1} << 30}).value();
    auto arrival = target->receive().value();
    REQUIRE(arrival->append(as_bytes(copy->read(0, static_cast<std::size_t>(copy->bytes())).value())));
    REQUIRE(arrival->finish(copy->bytes(), copy->checksum()));
    REQUIRE(target->replace(*arrival));
    CHECK(all_of(*target) == all_of(*base));
  }
  base.reset();
  std::filesystem::create_directory(here.path() + "/copying");
  base = open_separated_base({.path = here.path(), .map_bytes_max = std::uint64_t{1} << 30}).value();
  CHECK_FALSE(std::filesystem::exists(here.path() + "/copying"));
  CHECK(base->get("k7").value() == content(4096, 7));
  CHECK(base->copy().value()->bytes() == copy->bytes());
}
