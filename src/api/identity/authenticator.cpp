#include "api/identity/authenticator.hpp"

#include "api/http/request.hpp"

namespace troupe {

std::optional<std::string_view> bearer_token(std::string_view authorization) {
  constexpr std::string_view scheme = "bearer ";
  if (authorization.size() < scheme.size() || !http::same_name(authorization.substr(0, scheme.size()), scheme))
    return std::nullopt;
  auto token = authorization.substr(scheme.size());
  while (token.starts_with(' ')) token.remove_prefix(1);
  while (token.ends_with(' ')) token.remove_suffix(1);
  return token;
}

namespace {

std::size_t count(const http::request& rq, std::string_view name) {
  std::size_t n = 0;
  for (const auto& h : rq.headers()) n += http::same_name(h.name, name) ? 1 : 0;
  return n;
}

} // namespace

authenticator::authenticator(const identity_gate& g, sigv4_rules rules, http::signed_path path)
    : gate_(g), signatures_(std::move(rules), path) {}

result<authenticated> authenticator::operator()(http::request& rq) {
  const auto authorizations = count(rq, "authorization"), api_keys = count(rq, "x-api-key");
  const auto token = bearer_token(rq.header("authorization"));
  const bool presigned = rq.target().q("X-Amz-Algorithm") != nullptr;
  if (api_keys > 1 || (api_keys == 1 && (authorizations != 0 || presigned)) ||
    (token && (authorizations > 1 || presigned)))
    return fail(ec::invalid_argument, "Only one auth mechanism allowed: a signature, a bearer token or an API key.");
  authenticated out;
  result<identity::principal> who = identity::principal{};
  if (api_keys == 1) {
    who = gate_.of_api_key(rq.header("x-api-key"));
  } else if (token) {
    who = gate_.of_token(*token);
  } else {
    auto signature = signatures_(
      rq, [this](std::string_view key) { return gate_.secret_of(key); }, gate_.clock().now());
    if (!signature && signature.error().code == ec::invalid_access_key_id && !gate_.ready())
      return fail(ec::unavailable, "who may do what is not known yet, please try again");
    if (!signature) return std::move(signature).error();
    who = gate_.of_access_key(signature->access_key);
    out.signature = std::move(*signature);
  }
  if (!who) return std::move(who).error();
  out.who = std::move(*who);
  rq.principal = out.who.text();
  return out;
}

} // namespace troupe
