#include "api/s3/names.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace troupe;
using namespace troupe::s3;

TEST_CASE("a bucket name obeys the rules of general purpose buckets") {
  for (auto good : {"abc", "a-b", "a.b.c", "1bucket", "bucket1", "my-bucket.example", "1.2.3", "1.2.3.4.5", "1.2.3.4a",
         "1234.1.1.1"}) {
    INFO(good);
    CHECK(check_bucket_name(good).has_value());
  }
  CHECK(check_bucket_name(std::string(63, 'a')));
  for (auto bad : {"", "a", "ab", "Abc", "a_b", "-abc", "abc-", ".abc", "abc.", "a..b", "192.168.5.4", "999.1.1.1",
         "xn--abc", "sthree-abc", "sthree-configurator", "amzn-s3-demo-bucket", "abc-s3alias", "abc--ol-s3", "abc.mrap",
         "abc--x-s3", "abc--table-s3", "a b", "a/b", "a\xc3\xa9", "bucket\n"}) {
    INFO(bad);
    auto r = check_bucket_name(bad);
    REQUIRE(!r);
    CHECK(r.error().code == ec::invalid_bucket_name);
  }
  CHECK(!check_bucket_name(std::string(64, 'a')));
}

TEST_CASE("a key is 1 to 1024 bytes of UTF-8 without NUL") {
  CHECK(check_key("a"));
  CHECK(check_key("//../%2F?#\x01 \xf0\x9f\x8e\xad"));
  CHECK(check_key(std::string(1024, 'k')));
  CHECK(check_key(std::string(1025, 'k')).error().code == ec::key_too_long);
  CHECK(check_key("").error().code == ec::invalid_argument);
  CHECK(check_key(std::string_view{"a\0b", 3}).error().code == ec::invalid_argument);
  CHECK(check_key("a\xff").error().code == ec::invalid_uri);
}

TEST_CASE("the only version of an object is null") {
  CHECK(check_version_id("null"));
  CHECK(check_version_id("").error().code == ec::invalid_argument);
  CHECK(check_version_id("3HL4kqtJlcpXroDTDmJ").error().code == ec::no_such_version);
}
