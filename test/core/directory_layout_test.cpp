#include "core/directory_layout.hpp"

#include "codec/digest.hpp"
#include "codec/text.hpp"
#include "core/tables.hpp"
#include "support/print_result.hpp"

#include <catch2/catch.hpp>

using namespace troupe;

// python3: n = int(hashlib.sha256(key.encode()).hexdigest(), 16); n % 2, n % 7, n % 4096, str(n)[-1]
TEST_CASE("the bucket and the digest are those of the SHA-256 as one large number") {
  struct sample {
    const char* key;
    std::uint32_t two, seven, most;
    const char* digest;
  };
  for (const auto& s : {sample{"hello", 0, 2, 2084, "0"}, sample{"a/b", 1, 0, 2577, "7"}, sample{"", 1, 1, 2133, "9"},
         sample{"user:42", 0, 3, 808, "0"},
         sample{"k\xc3\xa4"
                "tzchen",
           0, 6, 3086, "0"}}) {
    CAPTURE(s.key);
    CHECK(sha256_modulo(s.key, 2) == s.two);
    CHECK(sha256_modulo(s.key, 7) == s.seven);
    CHECK(sha256_modulo(s.key, 4096) == s.most);
    CHECK(directory_digest(s.key) == s.digest);
  }
}

TEST_CASE("a bucket id is in range for every number of buckets, and one bucket takes all") {
  for (std::uint32_t m = 1; m <= disk_buckets_max; m += 13)
    for (const auto* key : {"", "a", "b/c", "\xc3\xbc"}) CHECK(sha256_modulo(key, m) < m);
  CHECK(sha256_modulo("anything", 1) == 0);
}

TEST_CASE("a layout survives its row, and what is none is refused") {
  const directory_layout first;
  CHECK(first.buckets() == 2);
  CHECK_FALSE(first.moving());
  auto resized = first.resized(5);
  REQUIRE(resized);
  for (const auto& layout : {first, *resized, resized->settled()}) {
    auto read = directory_layout::parse(layout.row());
    REQUIRE(read);
    CHECK(*read == layout);
  }
  CHECK(directory_layout::parse("").error().code == ec::corrupt);
  CHECK(directory_layout::parse("nonsense").error().code == ec::corrupt);
  pb::directory_layout broken;
  broken.set_epoch(3);
  broken.set_buckets(2);
  broken.set_previous_epoch(3); // not before
  broken.set_previous_buckets(2);
  CHECK(directory_layout::parse(broken.SerializeAsString()).error().code == ec::corrupt);
}

TEST_CASE("a resize is a new epoch, waits for the one before, and may be repeated") {
  const directory_layout first;
  const auto grown = first.resized(8);
  REQUIRE(grown);
  CHECK(grown->epoch() == 2);
  CHECK(grown->previous_epoch() == 1);
  CHECK(grown->previous_buckets() == 2);
  CHECK(grown->resized(8) == *grown);
  CHECK(grown->resized(4).error().code == ec::conflict);
  const auto shrunk = grown->settled().resized(1);
  REQUIRE(shrunk);
  CHECK(shrunk->epoch() == 3);
  CHECK(first.resized(0).error().code == ec::bad_argument);
  CHECK(first.resized(disk_buckets_max + 1).error().code == ec::bad_argument);
}

TEST_CASE("a key has a home, and while keys move the one of the epoch before") {
  const directory_layout first;
  CHECK_FALSE(first.previous_home_of("k"));
  const auto moving = *first.resized(7);
  CHECK(moving.home_of("k") == disk_bucket{.epoch = 2, .id = sha256_modulo("k", 7)});
  CHECK(moving.previous_home_of("k") == disk_bucket{.epoch = 1, .id = sha256_modulo("k", 2)});
}

TEST_CASE("object keys hold epoch, bucket and key, and later epochs sort behind earlier ones") {
  const disk_bucket where{.epoch = 10, .id = 255};
  CHECK(object_key(where, "a/b") == "000000000000000a/000000ff/a/b");
  const auto parsed = parse_object_key("000000000000000a/000000ff/a/b");
  REQUIRE(parsed);
  CHECK(parsed->where == where);
  CHECK(parsed->key == "a/b");
  CHECK(object_key({.epoch = 9, .id = 4095}, "zzz") < object_key({.epoch = 10, .id = 0}, "a"));
  for (const auto* bad :
    {"", "000000000000000a/000000ff", "000000000000000a-000000ff/a", "00000000000000xa/000000ff/a"})
    CHECK_FALSE(parse_object_key(bad));
}
