#include "api/s3/conditions.hpp"

#include "api/objects/object_store.hpp"

#include <catch2/catch.hpp>

using namespace troupe;
using namespace troupe::s3;

namespace {
// The object: modified Sun, 06 Nov 1994 08:49:37.500 GMT.
constexpr unix_ms modified = 784111777500;
constexpr auto before = "Sun, 06 Nov 1994 08:49:36 GMT", same = "Sun, 06 Nov 1994 08:49:37 GMT",
               after = "Sun, 06 Nov 1994 08:49:38 GMT";
} // namespace

TEST_CASE("conditional reads follow the precedence of RFC 9110") {
  using enum verdict;
  struct row {
    read_conditions c;
    verdict want;
  };
  auto table = {
    row{{}, proceed},
    row{{.if_match = "\"e\""}, proceed},
    row{{.if_match = "e"}, proceed},
    row{{.if_match = "*"}, proceed},
    row{{.if_match = "\"x\", \"e\""}, proceed},
    row{{.if_match = "\"x\""}, precondition_failed},
    row{{.if_none_match = "\"x\""}, proceed},
    row{{.if_none_match = "\"e\""}, not_modified},
    row{{.if_none_match = "W/\"e\""}, not_modified},
    row{{.if_none_match = "*"}, not_modified},
    row{{.if_modified_since = before}, proceed},
    row{{.if_modified_since = same}, not_modified},
    row{{.if_modified_since = after}, not_modified},
    row{{.if_modified_since = "yesterday"}, proceed},
    row{{.if_unmodified_since = before}, precondition_failed},
    row{{.if_unmodified_since = same}, proceed},
    row{{.if_unmodified_since = after}, proceed},
    row{{.if_unmodified_since = "yesterday"}, proceed},
    // If-Match true hides If-Unmodified-Since; If-None-Match hides If-Modified-Since either way
    row{{.if_match = "\"e\"", .if_unmodified_since = before}, proceed},
    row{{.if_match = "\"x\"", .if_unmodified_since = after}, precondition_failed},
    row{{.if_none_match = "\"e\"", .if_modified_since = before}, not_modified},
    row{{.if_none_match = "\"x\"", .if_modified_since = after}, proceed},
    // a failed If-Match wins over If-None-Match
    row{{.if_match = "\"x\"", .if_none_match = "\"e\""}, precondition_failed},
    row{{.if_match = "\"e\"", .if_none_match = "\"e\""}, not_modified},
    row{{.if_none_match = "\"e\"", .if_unmodified_since = before}, precondition_failed},
  };
  int n = 0;
  for (const auto& r : table) {
    INFO("row " << n++);
    CHECK((judge(r.c, "e", modified) == r.want));
  }
}

TEST_CASE("a conditional write takes a star or one tag") {
  auto c = write_conditions("\"abc\"", "*");
  REQUIRE(c.has_value());
  CHECK(c->if_match == "abc");
  CHECK(c->if_none_match == "*");
  c = write_conditions("", "");
  REQUIRE(c.has_value());
  CHECK(!c->if_match);
  CHECK(!c->if_none_match);
  CHECK(write_conditions("\"a\", \"b\"", "").error().code == ec::not_implemented);
  CHECK(write_conditions("", "\"a\",\"b\"").error().code == ec::not_implemented);
}
