#include "core/tables.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <vector>

namespace troupe {
namespace {

data_id id_of(unsigned char fill) {
  data_id id;
  id.raw.fill(std::byte{fill});
  return id;
}

} // namespace

TEST_CASE("object rows sort by bucket, then by the key's bytes") {
  std::vector<std::string> rows{tables::object("a", "z"), tables::object("a", "\xff"), tables::object("a-b", "a"),
    tables::object("b", ""), tables::object("b", "a"), tables::object("b", "a/b"), tables::object("b", "a0"),
    tables::object("b", std::string(1024, 'a'))};
  CHECK(std::is_sorted(rows.begin(), rows.end())); // the NUL after "a" keeps its rows before those of "a-b"
}

TEST_CASE("an object's key comes back from its row, whatever its bytes") {
  for (auto key : {std::string{"k"}, std::string{"\xff\x01/"}, std::string(1024, '\xfe')}) {
    CHECK(tables::key_of_object(tables::object("bucket", key), 6) == key);
    CHECK(tables::key_of_object(tables::inline_content("bucket", key), 6) == key);
  }
  CHECK(tables::key_of_object("o", 6).empty()); // a row that is too short
}

TEST_CASE("an upload's key and id come back from its row, even when the id holds NULs") {
  for (auto id : {id_of(0), id_of(0xff), id_of('/')}) {
    auto row = tables::upload("bucket", "some/key", id);
    CHECK(row.starts_with(tables::uploads_of("bucket")));
    auto [key, found] = tables::key_of_upload(row, 6);
    CHECK(key == "some/key");
    CHECK(found == id);
  }
  CHECK(tables::key_of_upload("ubucket", 6).key.empty());
}

TEST_CASE("parts sort by number, garbage by Raft index and then by operation") {
  auto id = id_of(7);
  CHECK(tables::part(id, 2) < tables::part(id, 10));
  CHECK(tables::part(id, 255) < tables::part(id, 256));
  CHECK(tables::part(id, 9).starts_with(tables::parts_of(id)));
  CHECK(tables::garbage_row(1, 4000000000u) < tables::garbage_row(2, 0));
  CHECK(tables::garbage_row(255, 1) < tables::garbage_row(256, 0));
  CHECK(tables::garbage_row(1, 0).size() == 13);
}

TEST_CASE("every table has a letter of its own") {
  std::string letters{tables::buckets, tables::objects, tables::inlines, tables::manifests, tables::uploads,
    tables::parts, tables::garbage, tables::repairs, tables::vacated, tables::condemned, tables::identity,
    tables::values, tables::system};
  std::sort(letters.begin(), letters.end());
  CHECK(std::unique(letters.begin(), letters.end()) == letters.end());
}

TEST_CASE("the digest of a row is xxh3-64, which stored preconditions rely on") {
  CHECK(tables::digest_of("") == 0x2d06800538d394c2ull); // the value that the xxHash specification gives
  CHECK(tables::digest_of("a") != tables::digest_of("b"));
}

} // namespace troupe
