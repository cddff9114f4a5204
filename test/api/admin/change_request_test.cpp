#include "api/admin/change_request.hpp"
#include "support/print_result.hpp"

#include <catch2/catch.hpp>

using namespace troupe;
using namespace troupe::admin;

TEST_CASE("a node joins with all roles and weight 1 unless it says otherwise") {
  auto c = join_request(R"({"id": "node-6", "address": "10.0.0.6:9101"})").value();
  REQUIRE(c.kind() == pb::map_change::join);
  REQUIRE(c.joining().id() == "node-6");
  REQUIRE(c.joining().weight() == 1);
  REQUIRE((c.joining().storage() && c.joining().metadata() && c.joining().coordinator()));
  c = join_request(R"({"id": "a", "address": "b:1", "zone": "rack-2", "weight": 7, "roles": ["storage"]})").value();
  REQUIRE(c.joining().zone() == "rack-2");
  REQUIRE(c.joining().weight() == 7);
  REQUIRE((c.joining().storage() && !c.joining().metadata() && !c.joining().coordinator()));
}

TEST_CASE("what can not be read as a node that joins is refused, and says why") {
  for (const auto* text : {"", "[]", "{", "7", R"({"id": "a"})", R"({"id": 7, "address": "b:1"})",
         R"({"id": "a", "address": "b:1", "weigth": 2})", R"({"id": "a", "address": "b:1", "weight": -1})",
         R"({"id": "a", "address": "b:1", "weight": 101})", R"({"id": "a", "address": "b:1", "weight": "2"})",
         R"({"id": "a", "address": "b:1", "roles": "storage"})", R"({"id": "a", "address": "b:1", "roles": ["king"]})",
         R"({"id": "a", "address": "b:1", "zone": [[[[[[]]]]]]})"}) {
    INFO(text);
    auto c = join_request(text);
    REQUIRE_FALSE(c);
    REQUIRE(c.error().code == ec::bad_argument);
    REQUIRE_FALSE(c.error().message.empty());
  }
}

TEST_CASE("a change of the members names one, except that a leadership may go to anybody") {
  REQUIRE(parse_members_request(R"({"kind": "add", "node": "n"})")->kind == pb::member_change::add);
  REQUIRE(parse_members_request(R"({"kind": "remove", "node": "n"})")->kind == pb::member_change::remove);
  REQUIRE(parse_members_request(R"({"kind": "transfer"})")->node.empty());
  REQUIRE_FALSE(parse_members_request(R"({"kind": "add"})"));
  REQUIRE_FALSE(parse_members_request(R"({"kind": "promote", "node": "n"})"));
  REQUIRE_FALSE(parse_members_request(R"({"node": "n"})"));
}

TEST_CASE("weights and flags are read whole or not at all") {
  REQUIRE(parse_weight("0").value() == 0);
  REQUIRE(parse_weight("100").value() == 100);
  for (const auto* text : {"", "101", "-1", "1.5", "1 ", "99999999999"}) REQUIRE_FALSE(parse_weight(text));
  REQUIRE(parse_flag("").value());
  REQUIRE(parse_flag("true").value());
  REQUIRE_FALSE(parse_flag("false").value());
  REQUIRE_FALSE(parse_flag("yes"));
}
