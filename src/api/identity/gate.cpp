#include "api/identity/gate.hpp"

#include "codec/digest.hpp"
#include "codec/uri.hpp"

namespace troupe {

namespace {

constexpr std::size_t shown_bytes_max = 200; // of a key, in a message

error unknown_key() {
  return fail(ec::invalid_access_key_id, "The AWS Access Key Id you provided does not exist in our records.");
}

identity::principal owner_of(const identity::snapshot& s, const std::string& user, std::string_view key) {
  return {.kind = identity::principal::kinds::user,
    .name = user,
    .roles = s.users.find(user)->second.roles,
    .key = std::string{key}};
}

} // namespace

identity_gate::identity_gate(identity_gate_options o) : options_(std::move(o)) {}

std::shared_ptr<const identity::snapshot> identity_gate::known() const {
  return options_.known ? options_.known->get() : nullptr;
}

std::optional<std::string> identity_gate::secret_of(std::string_view access_key) const {
  if (!options_.root_key.empty() && access_key == options_.root_key) return options_.root_secret;
  const auto s = known();
  const auto* key = s ? s->usable(access_key) : nullptr;
  if (key == nullptr || key->kind != identity::key_kind::sigv4 || key->secret.empty()) return std::nullopt;
  return key->secret;
}

result<identity::principal> identity_gate::of_access_key(std::string_view access_key) const {
  if (!options_.root_key.empty() && access_key == options_.root_key)
    return identity::principal{
      .kind = identity::principal::kinds::root, .name = {}, .roles = {}, .key = options_.root_key};
  const auto s = known();
  const auto* key = s ? s->usable(access_key) : nullptr;
  if (key == nullptr || key->kind != identity::key_kind::sigv4) return unknown_key();
  return owner_of(*s, key->user, access_key);
}

result<identity::principal> identity_gate::of_api_key(std::string_view text) const {
  const auto s = known();
  if (!s && options_.known) return fail(ec::unavailable, "who may do what is not known yet, please try again");
  const auto dot = text.find('.');
  const auto id = text.substr(0, dot);
  const auto digest = identity::digest_of_secret(dot == text.npos ? std::string_view{} : text.substr(dot + 1));
  const auto* key = s ? s->usable(id) : nullptr;
  if (key == nullptr || key->kind != identity::key_kind::api || !equal_constant_time(key->secret, digest))
    return fail(ec::access_denied, "The API key is not one that may be used here.");
  return owner_of(*s, key->user, id);
}

result<identity::principal> identity_gate::of_token(std::string_view text) const {
  auto token = parse_jwt(text);
  if (!token) return std::move(token).error();
  if (!options_.keys) return fail(ec::access_denied, "The token is refused: no issuer is configured.");
  const auto keys = options_.keys->get();
  if (!keys || (!token->key_id.empty() && !keys->has(token->key_id))) options_.keys->missed();
  if (!keys) return fail(ec::unavailable, "the keys of the tokens' issuer could not be read yet, please try again");
  TROUPE_TRY(verify_jwt(*token, *keys));
  auto claims = read_claims(token->payload, options_.tokens.roles_claim);
  if (!claims) return std::move(claims).error();
  return identity::believe(*claims, options_.tokens, options_.clock->now());
}

bool identity_gate::allows(const identity::principal& who, const identity::request& what) const {
  const auto s = known();
  return s ? identity::decide(who, s->policies, what) : identity::decide(who, {}, what);
}

result<> identity_gate::authorise(const identity::principal& who, const identity::request& what) const {
  if (allows(who, what)) return {};
  const bool looks = what.action == identity::action::read || what.action == identity::action::list;
  if (what.bucket.empty())
    return fail(ec::access_denied,
      who.text() + (looks ? " may not look: it needs the role reader" : " may not: it needs the role admin"));
  return fail(ec::access_denied,
    who.text() + " may not " + identity::to_string(what.action) + " /" + std::string{what.bucket} + "/" +
      percent_encode(what.key.substr(0, shown_bytes_max), true) + ": no role or policy allows it, or one denies it");
}

bool identity_gate::shows(const identity::principal& who, std::string_view bucket) const {
  const auto s = known();
  return s ? identity::may_see(who, s->policies, bucket) : identity::may_see(who, {}, bucket);
}

} // namespace troupe
