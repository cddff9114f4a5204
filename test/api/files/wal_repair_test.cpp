// What is put right after the log and the files differed, and that it stays right whatever is reclaimed meanwhile.
#include "log_fixture.hpp"

#include "actors/healer.hpp"

#include <boost/json/serialize.hpp>
#include <caf/all.hpp>

using namespace troupe;
using namespace troupe::files;
using namespace troupe::test;

namespace {

const std::string large(200'000, 'x');

struct repair_fixture : log_fixture {
  // Reclaims table garbage at once; what a node does not confirm is tried again at the next call.
  void reclaim() {
    healer_options o;
    o.metadata = metadata;
    o.replicator = cluster.replicator;
    o.pins = &pins;
    o.clock = &clock;
    o.grace_ms = 0;
    heal = cluster.fx.system.spawn(healer, std::move(o));
    cluster.fx.run();
  }
  void end_reclaiming() {
    cluster.fx.stop(heal);
    heal = nullptr;
  }
  std::size_t garbage() { return rows_below(std::string(1, tables::garbage)); }
  difference only_difference() {
    auto found = check();
    REQUIRE(found.differences.size() == 1);
    return found.differences[0];
  }
  healer_actor heal;
};

} // namespace

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
    REQUIRE(f.content(1).value() == content);
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
  f.rows->put(f.row(1), first);
  auto found = f.check();
  REQUIRE(found.differences.size() == 1);
  REQUIRE(found.differences[0].kind == difference::kinds::other);
  REQUIRE(f.repaired(found.differences[0], repairs::restore) == "restored");
  REQUIRE(f.content(1).value() == large);
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

TEST_CASE(
  "a file that was deleted behind the log's back is restored for good, or lost, whenever its pieces are reclaimed") {
  repair_fixture f;
  f.put(1, large);
  f.remove(1, false);
  REQUIRE(f.garbage() == 1);
  const auto what = f.only_difference();
  REQUIRE(what.kind == difference::kinds::missing);
  SECTION("after it was restored") {
    REQUIRE(f.repaired(what, repairs::restore) == "restored");
    f.reclaim();
    CHECK(f.garbage() == 0);
  }
  SECTION("while it was restored: the healer has read the row, and its removals arrive late") {
    for (auto& [name, script] : f.cluster.scripts) script->on_remove = ec::timeout;
    f.reclaim();
    REQUIRE(f.repaired(what, repairs::restore) == "restored");
    for (auto& [name, script] : f.cluster.scripts) script->heal();
    for (auto& [name, script] : f.cluster.scripts)
      while (!script->held.empty()) f.cluster.answer_oldest();
    CHECK(f.garbage() == 0);
  }
  SECTION("before it was restored") {
    f.reclaim();
    REQUIRE(f.repaired(what, repairs::restore) == "lost");
    CHECK(f.content(1).error().code == ec::no_such_key);
    CHECK(f.check().differences.size() == 1);
    CHECK(f.cluster.pieces_stored() == 0);
    f.end_reclaiming();
    return;
  }
  f.end_reclaiming();
  CHECK(f.content(1).value() == large);
  CHECK(f.check().good());
  CHECK(f.cluster.pieces_stored() == 5 * 2); // of one version only: two stripes
}

TEST_CASE("a file that was overwritten behind the log's back is put back for good, and the other version reclaimed") {
  repair_fixture f;
  const std::string other(150'000, 'y');
  f.put(1, large);
  f.put(1, other, false);
  const auto what = f.only_difference();
  REQUIRE(what.kind == difference::kinds::other);
  REQUIRE(f.repaired(what, repairs::restore) == "restored");
  CHECK(f.garbage() == 2);
  f.reclaim();
  f.end_reclaiming();
  CHECK(f.garbage() == 0);
  CHECK(f.content(1).value() == large);
  CHECK(f.check().good());
}

TEST_CASE("a restored file keeps what was said of it, and its entry follows those before") {
  repair_fixture f;
  put_object what;
  what.bucket = ".files";
  what.key = f.id(1);
  what.size = large.size();
  what.headers.emplace_back("Content-Type", "text/plain");
  what.metadata.emplace_back(name_key, "a name");
  what.metadata.emplace_back(replication_key, "sync");
  what.checksums.add(checksum_kind::sha256);
  what.durability = durability::all;
  what.beside = [&](const pb::object_record& record, pb::batch& batch) {
    *batch.add_operations() = file_log::append_operation(
      file_log::entry_of(pb::file_log_entry::create, f.id(1), record), file_log::segment_bytes_min);
  };
  REQUIRE(f.store_fixture::put(std::move(what), large));
  auto shown = [&] {
    auto there = f.run(f.store.get(".files", f.id(1), false)).value();
    auto line = to_json(info_of(f.id(1), there.record));
    line.erase("modified");
    return boost::json::serialize(line);
  };
  const auto before = shown();
  f.remove(1, false);
  REQUIRE(f.repaired(f.only_difference(), repairs::restore) == "restored");
  CHECK(shown() == before);
  const auto entries = f.run(wal_cursor{f.data}.next());
  REQUIRE(entries.size() == 2);
  CHECK(entries[1].operation() == pb::file_log_entry::update);
  CHECK(f.check().good());
}
