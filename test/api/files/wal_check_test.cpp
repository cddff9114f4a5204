// The log of files against the files, over a store whose rows the test damages.
#include "log_fixture.hpp"

using namespace troupe;
using namespace troupe::files;
using namespace troupe::test;

namespace {

const std::string large(200'000, 'x');

} // namespace

TEST_CASE("files that are what the log says are found so") {
  log_fixture f;
  REQUIRE(f.check().good());
  f.put(1, "small");
  f.put(2, large);
  f.put(2, "smaller");
  f.put(3, "gone soon");
  f.remove(3);
  auto found = f.check();
  REQUIRE(found.good());
  REQUIRE(found.entries == 5);
  REQUIRE(found.files == 3);
  REQUIRE(f.run(check_active_segment(f.data)).good());
}

TEST_CASE("an entry that is damaged, lost or forged is found") {
  log_fixture f;
  for (int i = 1; i <= 5; ++i) f.put(i, "content");
  const auto entries = f.run(wal_cursor{f.data}.next());
  REQUIRE(entries.size() == 5);
  const auto key = tables::file_log_entry(entries[2].segment_id(), entries[2].position());
  const auto intact = f.rows->get(key).value().value();
  auto damaged = intact;
  damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 4);
  f.rows->put(key, damaged);
  REQUIRE_FALSE(f.check().faults.empty());
  f.rows->put(key, "no entry at all");
  REQUIRE_FALSE(f.check().faults.empty());
  f.rows->erase(key);
  REQUIRE_FALSE(f.check().faults.empty());
  f.rows->put(key, intact);
  REQUIRE(f.check().good());
}

TEST_CASE("old segments become the base, and nothing is forgotten") {
  log_fixture f;
  for (int round = 0; round < 12; ++round)
    for (int i = 1; i <= 9; ++i) {
      f.put(i, "round " + std::to_string(round));
      if (i == 9) f.remove(9);
    }
  const auto before = f.segments();
  REQUIRE(before.closed.size() > 3);
  for (std::size_t i = 0; i < before.closed.size(); ++i) f.collect(1);
  const auto after = f.segments();
  REQUIRE(after.closed.size() == 1);
  REQUIRE(after.first().first_id() > 1);
  auto found = f.check();
  REQUIRE(found.good());
  REQUIRE(found.base_files >= 8);
  f.remove(1);
  REQUIRE(f.check().good());
  // The base is what restores a file that no kept entry is about.
  for (int i = 0; i < 40; ++i) f.put(2, "again");
  for (int i = 0; i < 20; ++i) f.collect(1);
  f.rows->erase(f.row(5));
  found = f.check();
  REQUIRE(found.differences.size() == 1);
  REQUIRE(f.repaired(found.differences[0], repairs::restore) == "restored");
  REQUIRE(f.check().good());
}

TEST_CASE("a damaged segment does not become the base") {
  log_fixture f;
  for (int i = 0; i < 60; ++i) f.put(1, "content");
  const auto before = f.segments();
  REQUIRE(before.closed.size() >= 2);
  f.rows->erase(tables::file_log_entry(before.closed[0].id(), 0));
  auto refused = [](log_access& a) -> http::task<bool> {
    try {
      co_await collect_base(a, 1);
    } catch (const http::api_error& e) { co_return e.code == ec::corrupt; }
    co_return false;
  };
  REQUIRE(f.run(refused(f.data)));
  REQUIRE(f.segments().closed.size() == before.closed.size());
}
