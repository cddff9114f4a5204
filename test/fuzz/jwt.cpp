// Tokens, their payloads, key sets and policies from strangers: whatever they are, nothing crashes, and nothing that is not
// signed verifies. The first byte chooses.
#include "codec/jwt.hpp"
#include "core/identity/policy.hpp"
#include "core/identity/token_rules.hpp"

#include <cstdint>
#include <cstdlib>

using namespace troupe;

namespace {

const jwk_set& keys() {
  static const auto set =
    jwk_set::parse(R"({"keys":[{"kty":"oct","k":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"}]})", jwk_set::from::file)
      .value();
  return set;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string text{reinterpret_cast<const char*>(data + 1), size - 1};
  switch (data[0] % 4) {
  case 0:
    if (auto t = parse_jwt(text)) {
      if (t->signature.empty() || t->signed_text.size() > jwt_bytes_max) std::abort();
      if (verify_jwt(*t, keys())) std::abort(); // a forged HMAC-SHA256
      (void)read_claims(t->payload, "roles");
    }
    break;
  case 1:
    if (auto c = read_claims(text, "roles"))
      if (auto who = identity::believe(*c, {.issuer = "i", .audience = "a"}, 1'000'000);
          who && (who->name.empty() || c->issuer != "i"))
        std::abort();
    break;
  case 2: (void)jwk_set::parse(text, jwk_set::from::network); break;
  default:
    if (auto p = identity::policy::parse(text)) {
      const identity::principal who{.kind = identity::principal::kinds::user, .name = "u", .roles = {}, .key = {}};
      (void)p->allows(who, identity::action::read, text);
      (void)p->denies(who, identity::action::list, text);
    }
  }
  return 0;
}
