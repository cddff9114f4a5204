#include "cli/object_name.hpp"
#include "cli/storage.hpp"
#include "support/print_result.hpp"

#include <catch2/catch.hpp>

using namespace troupe;
using namespace troupe::cli;

TEST_CASE("a key is everything after the first slash, byte for byte") {
  CHECK(parse_object("b/k").value() == object_name{"b", "k"});
  CHECK(parse_object("s3://b/k/l").value() == object_name{"b", "k/l"});
  CHECK(parse_object("b//a/../c").value() == object_name{"b", "/a/../c"});
  CHECK(parse_object("b/k/").value() == object_name{"b", "k/"});
  CHECK(parse_object("b/" + std::string(1024, 'k')));
}

TEST_CASE("what names no object or no bucket is refused as a wrong argument") {
  for (const auto* text : {"", "/", "/k", "s3://", "s3:///k", "b", "b/"}) {
    INFO("'" << text << "'");
    const auto name = parse_object(text);
    REQUIRE_FALSE(name);
    CHECK(name.error().code == ec::bad_argument);
  }
  CHECK_FALSE(parse_object("b/" + std::string(1025, 'k')));
  CHECK_FALSE(parse_bucket("b/k"));
  CHECK(parse_bucket("b/").value() == object_name{"b", ""});
  CHECK(parse_bucket_or_object("s3://b/prefix").value() == object_name{"b", "prefix"});
}

TEST_CASE("a target that is a bucket or ends with a slash takes the source's last part") {
  CHECK(completed({"b", ""}, "dir/cat.jpg") == object_name{"b", "cat.jpg"});
  CHECK(completed({"b", "photos/"}, "cat.jpg") == object_name{"b", "photos/cat.jpg"});
  CHECK(completed({"b", "other"}, "cat.jpg") == object_name{"b", "other"});
}

TEST_CASE("control characters of a key do not reach the terminal") { CHECK(shown("a\x1b[31m\nb") == "a?[31m?b"); }
