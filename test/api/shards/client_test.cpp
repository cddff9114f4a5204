// Who a call of the shards surface comes from, and how it is written down.
#include "api/shards/client.hpp"

#include "support/known_users.hpp"
#include "support/print_result.hpp"

#include <catch2/catch.hpp>

using namespace troupe;
using namespace troupe::test;

namespace {

class set_clock final : public wall_clock {
public:
  unix_ms now() const override { return 1'792'569'600'250; }
};

struct gate_fixture : known_users {
  set_clock clock;
  identity_gate gate{{.root_key = "AKIAROOT",
    .root_secret = "a-secret-of-root",
    .known = known,
    .keys = std::make_shared<fixed_keys>(),
    .tokens = {.issuer = "https://issuer", .audience = "troupe"},
    .clock = &clock}};
  using values = std::vector<std::string_view>;
  result<identity::principal> who(const values& authorization, const values& api_key) {
    return shards::principal_of(gate, {.authorization = authorization, .api_key = api_key});
  }
};

} // namespace

TEST_CASE("a call is its user's by API key or its subject's by token, and one proof is enough") {
  gate_fixture f;
  const auto token = "bearer " + issuer().rs256(claims(f.clock.now()));
  const auto writer = f.who({}, {"TAwriter.api-secret"});
  REQUIRE(writer);
  CHECK(writer->text() == "user:writer");
  CHECK(shards::client_of(*writer) == "writer");
  const auto carol = f.who({token}, {});
  REQUIRE(carol);
  CHECK(carol->text() == "jwt:carol");
  for (const auto& refused :
    {f.who({}, {}), f.who({token}, {"TAwriter.api-secret"}), f.who({token, token}, {}), f.who({"Basic d3JpdGVy"}, {}),
      f.who({"Bearer "}, {}), f.who({}, {"TAwriter.wrong"}), f.who({}, {"TAleft.api-secret"}),
      f.who({"Bearer " + issuer().rs256(claims(f.clock.now(), R"(,"exp":1)"))}, {})}) {
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ec::access_denied);
  }
}

TEST_CASE("an issuer's word makes nobody the client that a user is") {
  gate_fixture f;
  const auto alike = f.who({"Bearer " + issuer().rs256(claims(f.clock.now(), R"(,"sub":"writer")"))}, {});
  REQUIRE(alike);
  CHECK(shards::client_of(*alike) == "jwt:writer");
  CHECK_FALSE(identity::is_user_name("jwt:writer"));
}

TEST_CASE("a peer's address is written without its port") {
  CHECK(shards::address_of_peer("ipv4:10.0.0.7:4711") == "10.0.0.7");
  CHECK(shards::address_of_peer("ipv6:[::1]:4711") == "::1");
  CHECK(shards::address_of_peer("ipv6:%5Bfe80::1%5D:4711") == "fe80::1");
  for (const auto* other : {"unix:/tmp/s", "", "ipv4:", "ipv4:%zz:1", "inproc"})
    CHECK(shards::address_of_peer(other) == other);
}
