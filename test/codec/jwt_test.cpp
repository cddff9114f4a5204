#include "codec/jwt.hpp"

#include "support/print_result.hpp"
#include "support/token_maker.hpp"

#include <catch2/catch.hpp>

using namespace troupe;
using troupe::test::base64url;
using troupe::test::token_maker;

namespace {

const token_maker& issuer() {
  static const token_maker one;
  return one;
}

const std::string claims = R"({"sub":"alice"})";

result<> check(const std::string& token, const jwk_set& keys) {
  auto t = parse_jwt(token);
  if (!t) return t.error();
  return verify_jwt(*t, keys);
}

jwk_set all_keys() { return jwk_set::parse(issuer().all(), jwk_set::from::file).value(); }

} // namespace

TEST_CASE("a token verifies with the key of its issuer, in each of three algorithms") {
  const auto keys = all_keys();
  REQUIRE(check(issuer().rs256(claims), keys));
  REQUIRE(check(issuer().es256(claims), keys));
  REQUIRE(check(token_maker::hs256(claims), keys));
  REQUIRE(check(issuer().rs256(claims, R"({"alg":"RS256"})"), keys)); // it names no key: any RSA key may do
}

TEST_CASE("a token whose text, signature or key is another one does not verify") {
  const auto keys = all_keys();
  for (auto token : {issuer().rs256(claims), issuer().es256(claims), token_maker::hs256(claims)}) {
    auto forged = token;
    const auto dot = forged.find('.');
    const auto end = forged.rfind('.');
    forged.replace(dot + 1, end - dot - 1, base64url(R"({"sub":"mallory"})"));
    CHECK(check(forged, keys).error().code == ec::access_denied);
    auto bent = token;
    bent[end + 5] = bent[end + 5] == 'A' ? 'B' : 'A';
    CHECK_FALSE(check(bent, keys));
    CHECK_FALSE(check(token.substr(0, end + 1), keys)); // not signed
  }
  const token_maker other;
  CHECK_FALSE(check(other.rs256(claims), keys));
  CHECK_FALSE(check(other.es256(claims), keys));
  CHECK_FALSE(
    check(token_maker::hs256(claims, R"({"alg":"HS256","kid":"h1"})", "another-secret-of-32-bytes-length"), keys));
  CHECK_FALSE(check(issuer().rs256(claims, R"({"alg":"RS256","kid":"e1"})"), keys)); // of a key of another name
  CHECK_FALSE(check(issuer().es256_der(claims), keys));
}

TEST_CASE("no algorithm is no signature") {
  const auto keys = all_keys();
  for (const auto* none : {"none", "None", "NONE", "", "RS512", "HS512", "PS256"}) {
    const auto header = R"({"alg":")" + std::string{none} + R"("})";
    CHECK_FALSE(parse_jwt(base64url(header) + "." + base64url(claims) + "."));
    CHECK_FALSE(parse_jwt(base64url(header) + "." + base64url(claims) + ".AAAA"));
  }
  CHECK_FALSE(parse_jwt(base64url(R"({"alg":["RS256"]})") + "." + base64url(claims) + ".AAAA"));
  CHECK_FALSE(parse_jwt(base64url(R"({})") + "." + base64url(claims) + ".AAAA"));
}

TEST_CASE("a public key is no HMAC secret, whatever the token says") {
  const auto keys = jwk_set::parse(token_maker::set(issuer().rsa_jwk()), jwk_set::from::network).value();
  for (const auto* kid : {R"({"alg":"HS256","kid":"r1"})", R"({"alg":"HS256"})"}) {
    CHECK_FALSE(check(token_maker::hs256(claims, kid, issuer().rsa_modulus()), keys));
    CHECK_FALSE(check(token_maker::hs256(claims, kid, issuer().rsa_jwk()), keys));
  }
  // Nor is an empty secret one.
  CHECK_FALSE(check(token_maker::hs256(claims, R"({"alg":"HS256"})", ""), keys));
}

TEST_CASE("keys inside a token are not looked at, and what it calls critical is not passed over") {
  const token_maker mallory;
  const auto keys = all_keys();
  CHECK_FALSE(check(mallory.rs256(claims, R"({"alg":"RS256","jwk":)" + mallory.rsa_jwk() + "}"), keys));
  CHECK_FALSE(parse_jwt(issuer().rs256(claims, R"({"alg":"RS256","crit":["b64"],"b64":false})")));
}

TEST_CASE("what is not three parts of base64url is no token") {
  for (const std::string text :
    {"", ".", "..", "...", "a.b", "a.b.c", "e30.e30.e30.e30", "e30=.e30.e30", "e3+.e30.e30"})
    CHECK(parse_jwt(text).error().code == ec::access_denied);
  CHECK_FALSE(parse_jwt(std::string(jwt_bytes_max + 1, 'a')));
}

TEST_CASE("a key set takes in what can be used, and says when nothing can") {
  CHECK(all_keys().keys().size() == 3);
  // Secrets do not come over a network.
  CHECK(jwk_set::parse(issuer().all(), jwk_set::from::network)->keys().size() == 2);
  CHECK_FALSE(jwk_set::parse(token_maker::set(token_maker::oct_jwk()), jwk_set::from::network));
  for (const auto* none : {"", "[]", "{}", R"({"keys":{}})", R"({"keys":[]})", R"({"keys":[7,{"kty":"OKP"}]})",
         R"({"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]})",                 // a short modulus
         R"({"keys":[{"kty":"oct","k":"c2hvcnQ"}]})",                         // a short secret
         R"({"keys":[{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"}]})"}) { // not on the curve
    INFO(none);
    CHECK_FALSE(jwk_set::parse(none, jwk_set::from::file));
  }
  auto for_encryption = issuer().rsa_jwk();
  for_encryption.replace(for_encryption.find("\"sig\""), 5, "\"enc\"");
  CHECK_FALSE(jwk_set::parse(token_maker::set(for_encryption), jwk_set::from::file));
  std::string many;
  for (int i = 0; i < 70; ++i) many += (i == 0 ? "" : ",") + token_maker::oct_jwk(std::to_string(i));
  CHECK(jwk_set::parse(token_maker::set(many), jwk_set::from::file).error().code == ec::too_large);
}

TEST_CASE("claims are read as what they should be, or not at all") {
  auto c = read_claims(R"({"iss":"i","sub":"s","aud":["a","b"],"exp":100.5,"nbf":7,"roles":["reader","x"]})", "roles");
  REQUIRE(c);
  CHECK(c->issuer == "i");
  CHECK(c->subject == "s");
  CHECK(c->audience == std::vector<std::string>{"a", "b"});
  CHECK(c->expires == 100'500);
  CHECK(c->not_before == 7'000);
  CHECK(c->roles == std::vector<std::string>{"reader", "x"});
  CHECK(read_claims(R"({"aud":"a b","scope":"x reader"})", "scope")->audience == std::vector<std::string>{"a b"});
  CHECK(read_claims(R"({"scope":"x  reader"})", "scope")->roles == std::vector<std::string>{"x", "reader"});
  for (const auto* bad : {"", "[]", R"({"exp":"1"})", R"({"exp":-1})", R"({"exp":1e300})", R"({"nbf":null})",
         R"({"sub":7})", R"({"aud":7})", R"({"aud":[7]})", R"({"roles":{}})", R"({"iss":["i"]})"}) {
    INFO(bad);
    CHECK_FALSE(read_claims(bad, "roles"));
  }
}
