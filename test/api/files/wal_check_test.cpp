// The log of files against the files, over a store whose rows the test damages.
#include "../objects/store_fixture.hpp"

#include "api/files/wal_base.hpp"
#include "api/files/wal_check.hpp"
#include "core/tables.hpp"

using namespace troupe;
using namespace troupe::test;
using namespace troupe::files;

namespace {

struct log_fixture : store_fixture {
  log_fixture() { REQUIRE(run(store.create_bucket(".files", ".files", ""))); }

  std::string id(int n) { return std::string(31, '0') + std::to_string(n); }

  void put(int n, const std::string& content, bool known = true) {
    put_object what;
    what.bucket = ".files";
    what.key = id(n);
    what.size = content.size();
    if (known)
      what.beside = [&](const pb::object_record& record, pb::batch& batch) {
        pb::file_log_entry e;
        e.set_operation(pb::file_log_entry::create);
        e.set_file_id(id(n));
        e.set_data(record.SerializeAsString());
        *batch.add_operations() = file_log::append_operation(e, file_log::segment_bytes_min);
      };
    REQUIRE(store_fixture::put(std::move(what), content));
  }
  void remove(int n) {
    pb::file_log_entry e;
    e.set_operation(pb::file_log_entry::remove);
    e.set_file_id(id(n));
    std::vector<pb::operation> beside;
    beside.push_back(file_log::append_operation(e, file_log::segment_bytes_min));
    REQUIRE(run(store.remove(".files", id(n), {}, std::move(beside))));
  }
  std::string row(int n) { return tables::object(".files", id(n)); }
  log_check check() { return run(check_log(data)); }
  std::string repaired(const difference& d, repairs how) { return run(repair(data, d, how)); }
  wal_segments segments() { return run(segments_of(data)); }
  void collect(std::uint64_t kept) {
    auto all = [](log_access& a, std::uint64_t n) -> http::task<bool> {
      co_await collect_base(a, n);
      co_return true;
    };
    REQUIRE(run(all(data, kept)));
  }

  log_access data{store, bridge, metadata, clock};
};

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

TEST_CASE("a file whose record is lost is found, and restored when its content can be read") {
  for (const auto& content : {std::string{"small"}, large}) {
    log_fixture f;
    f.put(1, content);
    f.rows->erase(f.row(1));
    auto found = f.check();
    REQUIRE(found.differences.size() == 1);
    REQUIRE(found.differences[0].kind == difference::kinds::missing);
    REQUIRE(found.differences[0].file == f.id(1));
    REQUIRE(f.repaired(found.differences[0], repairs::none) == "none");
    REQUIRE(f.repaired(found.differences[0], repairs::restore) == "restored");
    REQUIRE(f.check().good());
    auto there = f.run(f.store.get(".files", f.id(1), true));
    REQUIRE(there);
    REQUIRE(f.read(*there, 0, content.size()).value() == content);
    REQUIRE(f.repaired(found.differences[0], repairs::restore) == "changed"); // it is there by now
  }
}

TEST_CASE("a record is not restored over content that can not be read") {
  log_fixture f;
  f.put(1, "small");
  f.rows->erase(f.row(1));
  f.rows->erase(tables::inline_content(".files", f.id(1)));
  auto found = f.check();
  REQUIRE(found.differences.size() == 1);
  REQUIRE(f.repaired(found.differences[0], repairs::all) == "lost");
  f.rows->put(tables::inline_content(".files", f.id(1)), "other");
  REQUIRE(f.repaired(found.differences[0], repairs::all) == "lost");
  REQUIRE(f.check().differences.size() == 1);
}

TEST_CASE("a file in another version than the log's is found and put back") {
  log_fixture f;
  f.put(1, "first");
  auto first = f.rows->get(f.row(1)).value().value();
  f.put(1, large);
  auto second = f.rows->get(f.row(1)).value().value();
  f.rows->put(f.row(1), first);
  auto found = f.check();
  REQUIRE(found.differences.size() == 1);
  REQUIRE(found.differences[0].kind == difference::kinds::other);
  REQUIRE(f.repaired(found.differences[0], repairs::restore) == "restored");
  REQUIRE(f.rows->get(f.row(1)).value().value() == second);
  REQUIRE(f.check().good());
}

TEST_CASE("a file that the log does not know is kept, unless it is to be removed") {
  log_fixture f;
  f.put(1, "known");
  f.put(2, "unknown", false);
  auto found = f.check();
  REQUIRE(found.differences.size() == 1);
  REQUIRE(found.differences[0].kind == difference::kinds::unknown);
  REQUIRE(f.repaired(found.differences[0], repairs::restore) == "none");
  REQUIRE(f.repaired(found.differences[0], repairs::all) == "removed");
  REQUIRE(f.check().good());
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
