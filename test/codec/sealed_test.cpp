#include "codec/sealed.hpp"

#include "support/print_result.hpp"

#include <catch2/catch.hpp>

using namespace troupe;

namespace {
master_key key_of(char c) { return master_key::parse(std::string(64, c)).value(); }
} // namespace

TEST_CASE("a sealed secret opens with its key and its context alone") {
  const auto sealed = seal(key_of('a'), "the secret", "row 1", system_entropy()).value();
  CHECK(sealed.find("secret") == std::string::npos);
  CHECK(unseal(key_of('a'), sealed, "row 1").value() == "the secret");
  CHECK(unseal(key_of('b'), sealed, "row 1").error().code == ec::corrupt);
  CHECK(unseal(key_of('a'), sealed, "row 2").error().code == ec::corrupt);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    auto damaged = sealed;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    CHECK_FALSE(unseal(key_of('a'), damaged, "row 1"));
    CHECK_FALSE(unseal(key_of('a'), sealed.substr(0, i), "row 1"));
  }
}

TEST_CASE("a secret that is sealed twice looks different each time") {
  CHECK(seal(key_of('a'), "s", "c", system_entropy()).value() != seal(key_of('a'), "s", "c", system_entropy()).value());
  CHECK(unseal(key_of('a'), seal(key_of('a'), "", "c", system_entropy()).value(), "c").value().empty());
}

TEST_CASE("a master key is 64 hex digits, and its fingerprint does not show it") {
  std::string line(64, 'f');
  line += '\n'; // not an expression: GCC 12 takes it for an overflow
  CHECK(master_key::parse(line));
  for (const auto& bad : {std::string{}, std::string(63, 'a'), std::string(65, 'a'), std::string(64, 'g')}) {
    const auto key = master_key::parse(bad);
    REQUIRE_FALSE(key);
    CHECK((bad.empty() || key.error().message.find(bad) == std::string::npos));
  }
  CHECK(key_of('a').fingerprint().size() == 16);
  CHECK(key_of('a').fingerprint() != key_of('b').fingerprint());
  CHECK(key_of('a').fingerprint().find("aaaa") == std::string::npos);
}
