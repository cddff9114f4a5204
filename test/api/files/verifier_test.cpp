// The log held against the files by itself: when, by whom, and what it says.
#include "log_fixture.hpp"

#include "api/files/verifier.hpp"

#include <boost/json/serialize.hpp>

using namespace troupe;
using namespace troupe::files;
using namespace troupe::test;

namespace {

struct moving_clock final : wall_clock {
  unix_ms now() const override { return at; }
  unix_ms at = 1'700'000'000'000;
};

struct verifier_fixture : log_fixture {
  surface_context context_of(const std::string& node) {
    surface_context c;
    c.metadata = metadata;
    c.node = node;
    c.clock = &time;
    c.files.verify_interval = std::chrono::hours{1};
    c.files.verified = [this](const pb::file_log_verification& v) { told.push_back(v); };
    return c;
  }
  bool look(const std::string& node) { return run(verify_if_due(slow, context_of(node))); }
  pb::file_log_verification last() { return run(last_verification(slow)); }
  void pass(std::chrono::milliseconds by) { time.at += by.count(); }

  moving_clock time;
  log_access slow{store, bridge, metadata, time};
  std::vector<pb::file_log_verification> told;
};

} // namespace

TEST_CASE("the log is verified when that is due, by whoever looks first, and every process sees what was found") {
  verifier_fixture f;
  CHECK(to_json(f.last()).is_null());
  f.put(1, "a file");
  REQUIRE(f.look("node-1"));
  CHECK_FALSE(f.look("node-2"));
  REQUIRE(f.told.size() == 2); // both of them
  CHECK(f.told[1].by() == "node-1");
  CHECK(f.told[1].entries() == 1);
  CHECK(f.told[1].files() == 1);
  CHECK(f.told[1].faults() == 0);
  f.pass(std::chrono::minutes{59});
  CHECK_FALSE(f.look("node-1"));
  f.pass(std::chrono::minutes{1});
  CHECK(f.look("node-2"));
  CHECK_FALSE(f.look("node-1"));
  CHECK(f.last().by() == "node-2");
  CHECK(to_json(f.last()).at("valid").as_bool());
}

TEST_CASE("two processes that find it due at the same moment do not both verify") {
  verifier_fixture f;
  const auto first = f.context_of("node-1"), second = f.context_of("node-2");
  auto a = f.start(verify_if_due(f.slow, first));
  auto b = f.start(verify_if_due(f.slow, second));
  REQUIRE((a->has_value() && b->has_value()));
  CHECK(**a != **b);
}

TEST_CASE("what is wrong is told, with what was found first") {
  verifier_fixture f;
  f.put(1, "a file");
  f.put(2, "another");
  f.rows->erase(f.row(2));
  REQUIRE(f.look("node-1"));
  CHECK(f.last().differences() == 1);
  CHECK(f.last().first() == "file " + f.id(2) + " is missing");
  const auto entries = f.run(wal_cursor{f.data}.next());
  f.rows->put(tables::file_log_entry(entries[0].segment_id(), entries[0].position()), "damage");
  f.pass(std::chrono::hours{1});
  REQUIRE(f.look("node-1"));
  CHECK(f.last().faults() > 0);
  CHECK_FALSE(to_json(f.last()).at("valid").as_bool());
}

TEST_CASE("a verification that its process did not live to end is made by another one") {
  verifier_fixture f;
  pb::file_log_verification row;
  row.set_node("node-1");
  row.set_begun_ms(f.time.at);
  f.rows->put(tables::system_row("files-verification"), row.SerializeAsString());
  f.pass(std::chrono::minutes{59});
  CHECK_FALSE(f.look("node-2"));
  f.pass(std::chrono::minutes{1});
  CHECK(f.look("node-2"));
}

TEST_CASE("a row of a verification that does not parse is written anew") {
  verifier_fixture f;
  f.rows->put(tables::system_row("files-verification"), "\xff\xff\xff");
  CHECK(f.look("node-1"));
  CHECK(f.last().by() == "node-1");
}

TEST_CASE(
  "a verification in the background rests after each page, and segments that are collected meanwhile are no fault") {
  verifier_fixture f;
  for (int i = 1; i <= 9; ++i) f.put(i, "first");
  std::size_t rests = 0, rows_seen = 0;
  f.slow.pace = [&](std::size_t rows) -> http::task<> {
    ++rests;
    rows_seen += rows;
    if (rests == 3) { // the walk has begun: a file goes, and more is logged than is kept, and collected
      pb::file_log_entry gone;
      gone.set_operation(pb::file_log_entry::remove);
      gone.set_file_id(f.id(9));
      pb::batch last_of_nine;
      *last_of_nine.add_operations() = file_log::append_operation(gone, file_log::segment_bytes_min);
      co_await commit(f.data, std::move(last_of_nine));
      f.rows->erase(f.row(9));
      for (int i = 0; i < 60; ++i) {
        pb::batch batch;
        pb::object_record record;
        const auto row = f.rows->get(f.row(1)).value().value();
        REQUIRE(record.ParseFromString(row));
        *batch.add_operations() = file_log::append_operation(
          file_log::entry_of(pb::file_log_entry::update, f.id(1), record), file_log::segment_bytes_min);
        co_await commit(f.data, std::move(batch));
      }
      for (int i = 0; i < 20; ++i) co_await collect_base(f.data, 1);
    }
    co_return;
  };
  REQUIRE(f.look("node-1"));
  CHECK(rests > 3);
  CHECK(rows_seen >= 9);
  CHECK(f.last().faults() == 0);
  CHECK(f.last().differences() == 0);
  CHECK(f.last().files() == 8);
}
