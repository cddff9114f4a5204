#include "core/directory_drain.hpp"

#include "core/metadata_machine.hpp"
#include "core/tables.hpp"
#include "store/state.hpp"
#include "support/print_result.hpp"

#include <catch2/catch.hpp>

using namespace troupe;

namespace {

struct tables_in_memory {
  state rows{make_memory_base()};
  std::uint64_t index = 0;

  pb::batch_result apply(pb::batch batch) {
    pb::log_entry entry;
    *entry.add_batches() = std::move(batch);
    auto done = metadata_machine{rows}.apply(std::move(entry), ++index);
    REQUIRE(done);
    REQUIRE(done->front());
    return *done->front();
  }
  void put(std::string key, std::string value) { rows.put(std::move(key), std::move(value)); }
  std::optional<std::string> get(const std::string& key) {
    auto row = rows.get(key);
    REQUIRE(row);
    return *row;
  }
};

std::string row_of(const disk_bucket& where, std::string_view key) {
  return tables::object(directory_bucket, object_key(where, key));
}
std::string content_of(const disk_bucket& where, std::string_view key) {
  return tables::inline_content(directory_bucket, object_key(where, key));
}

std::string record(bool inlined) {
  pb::object_record r;
  r.set_size(1);
  r.set_inlined(inlined);
  if (!inlined) r.mutable_extent()->set_data_id("0123456789abcdef");
  return r.SerializeAsString();
}

draining_row row(const std::string& key, std::string value, std::optional<std::string> content) {
  auto r = read_draining_row(key, std::move(value));
  REQUIRE(r);
  r->content = std::move(content);
  return *r;
}

const directory_layout first, moving = *first.resized(7);

} // namespace

TEST_CASE("a drained key is in its new home with its record and content, and nowhere else") {
  tables_in_memory t;
  t.put(directory_layout::row_key(), moving.row());
  const auto small_old = *moving.previous_home_of("small"), large_old = *moving.previous_home_of("large");
  t.put(row_of(small_old, "small"), record(true));
  t.put(content_of(small_old, "small"), "v");
  t.put(row_of(large_old, "large"), record(false));
  const std::vector page{
    row(row_of(small_old, "small"), record(true), "v"), row(row_of(large_old, "large"), record(false), std::nullopt)};
  auto batch = drain_batch(moving, page);
  REQUIRE(batch);
  REQUIRE(t.apply(*batch).applied());
  CHECK(t.get(row_of(moving.home_of("small"), "small")) == record(true));
  CHECK(t.get(content_of(moving.home_of("small"), "small")) == "v");
  CHECK(t.get(row_of(moving.home_of("large"), "large")) == record(false));
  CHECK_FALSE(t.get(row_of(small_old, "small")));
  CHECK_FALSE(t.get(content_of(small_old, "small")));
  CHECK_FALSE(t.get(row_of(large_old, "large")));
  CHECK_FALSE(t.get(tables::garbage_row(1, 0))); // the content lives on
  CHECK_FALSE(t.apply(*batch).applied());        // once
}

TEST_CASE("a key that was overwritten, taken away or written to its new home since is not moved over that") {
  const auto old = *moving.previous_home_of("k");
  const std::vector page{row(row_of(old, "k"), record(true), "v")};
  auto batch = drain_batch(moving, page);
  REQUIRE(batch);
  tables_in_memory t;
  t.put(directory_layout::row_key(), moving.row());
  SECTION("it is gone") {}
  SECTION("it is another") { t.put(row_of(old, "k"), record(false)); }
  SECTION("the new home has one") {
    t.put(row_of(old, "k"), record(true));
    t.put(row_of(moving.home_of("k"), "k"), record(false));
  }
  SECTION("the layout is another") {
    t.put(row_of(old, "k"), record(true));
    t.put(directory_layout::row_key(), moving.settled().row());
  }
  const auto before = t.get(row_of(moving.home_of("k"), "k"));
  CHECK_FALSE(t.apply(*batch).applied());
  CHECK(t.get(row_of(moving.home_of("k"), "k")) == before);
}

TEST_CASE("the epoch before ends when nothing is left in it, not earlier") {
  tables_in_memory t;
  t.put(directory_layout::row_key(), moving.row());
  const auto old = *moving.previous_home_of("k");
  t.put(row_of(old, "k"), record(false));
  CHECK_FALSE(t.apply(settle_batch(moving)).applied());
  t.rows.erase(row_of(old, "k"));
  CHECK(t.apply(settle_batch(moving)).applied());
  CHECK(t.get(directory_layout::row_key()) == moving.settled().row());
  CHECK_FALSE(t.apply(settle_batch(moving)).applied());
}

TEST_CASE("content that is missing and rows that are none of the directory's stop a drain with an error") {
  const auto old = *moving.previous_home_of("k");
  const std::vector page{row(row_of(old, "k"), record(true), std::nullopt)};
  CHECK(drain_batch(moving, page).error().code == ec::corrupt);
  CHECK(read_draining_row(tables::object(directory_bucket, "else"), record(true)).error().code == ec::corrupt);
  CHECK(read_draining_row(row_of(old, "k"), "\xff\xff").error().code == ec::corrupt);
}
