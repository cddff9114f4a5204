#include "core/identity/token_rules.hpp"

#include <algorithm>

namespace troupe::identity {

namespace {

constexpr std::size_t subject_bytes_max = 256;

error refused(const char* why) { return fail(ec::access_denied, std::string{"The token is refused: "} + why); }

bool is_printable(std::string_view s) {
  return std::ranges::all_of(s, [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; });
}

} // namespace

result<principal> believe(const jwt_claims& c, const token_rules& rules, unix_ms now) {
  if (rules.issuer.empty() || rules.audience.empty()) return refused("no issuer is configured.");
  if (c.issuer != rules.issuer) return refused("it is not of the issuer that is believed here.");
  if (std::ranges::find(c.audience, rules.audience) == c.audience.end()) return refused("it is for another audience.");
  if (!c.expires) return refused("it has no end (exp).");
  if (now >= *c.expires + rules.leeway_ms) return refused("it has expired.");
  if (c.not_before && now + rules.leeway_ms < *c.not_before) return refused("it is not valid yet.");
  if (c.subject.empty() || c.subject.size() > subject_bytes_max || !is_printable(c.subject))
    return refused("it does not say for whom it is (sub).");
  principal who{.kind = principal::kinds::token, .name = c.subject, .roles = {}, .key = {}};
  for (const auto& name : c.roles)
    if (const auto r = role_named(name)) who.roles.add(*r);
  return who;
}

} // namespace troupe::identity
