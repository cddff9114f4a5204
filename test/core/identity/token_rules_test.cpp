#include "core/identity/token_rules.hpp"

#include "support/print_result.hpp"

#include <catch2/catch.hpp>

using namespace troupe;
using namespace troupe::identity;

namespace {

constexpr unix_ms now = 1'000'000'000;

const token_rules rules{.issuer = "https://issuer", .audience = "troupe"};

jwt_claims good() {
  jwt_claims c;
  c.issuer = "https://issuer";
  c.subject = "alice";
  c.audience = {"other", "troupe"};
  c.expires = now + 60'000;
  c.roles = {"reader", "email", "king"};
  return c;
}

} // namespace

TEST_CASE("a token of the right issuer stands for its subject, with the roles that are roles") {
  const auto who = believe(good(), rules, now).value();
  CHECK(who.text() == "jwt:alice");
  CHECK(who.roles.has(role::reader));
  CHECK_FALSE(who.roles.has(role::admin));
}

TEST_CASE("a token for others, of others, or of another time is refused") {
  const auto refused = [](auto change, const char* why) {
    auto c = good();
    change(c);
    const auto who = believe(c, rules, now);
    INFO(why);
    REQUIRE_FALSE(who);
    CHECK(who.error().code == ec::access_denied);
    CHECK(who.error().message.find(why) != std::string::npos);
  };
  refused([](jwt_claims& c) { c.issuer = "https://issuer/"; }, "issuer");
  refused([](jwt_claims& c) { c.issuer.clear(); }, "issuer");
  refused([](jwt_claims& c) { c.audience = {"troupe2"}; }, "audience");
  refused([](jwt_claims& c) { c.audience.clear(); }, "audience");
  refused([](jwt_claims& c) { c.expires.reset(); }, "exp");
  refused([](jwt_claims& c) { c.expires = now - 30'000; }, "expired");
  refused([](jwt_claims& c) { c.not_before = now + 30'001; }, "not valid yet");
  refused([](jwt_claims& c) { c.subject.clear(); }, "sub");
  refused([](jwt_claims& c) { c.subject = "a\nb"; }, "sub");
  refused([](jwt_claims& c) { c.subject = std::string(257, 'a'); }, "sub");
}

TEST_CASE("clocks may differ by half a minute") {
  auto c = good();
  c.expires = now - 29'999;
  c.not_before = now + 30'000;
  CHECK(believe(c, rules, now));
}

TEST_CASE("without an issuer no token is believed") {
  auto c = good();
  c.issuer.clear();
  CHECK_FALSE(believe(c, {.issuer = "", .audience = "troupe"}, now));
  CHECK_FALSE(believe(good(), {.issuer = "https://issuer", .audience = ""}, now));
}
