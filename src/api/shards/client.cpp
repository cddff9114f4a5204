#include "api/shards/client.hpp"

#include "api/identity/authenticator.hpp"
#include "codec/uri.hpp"

namespace troupe::shards {

result<identity::principal> principal_of(const identity_gate& gate, const proofs& shown) {
  if (shown.authorization.size() + shown.api_key.size() > 1)
    return fail(ec::access_denied, "Only one auth mechanism allowed: a bearer token or an API key.");
  if (!shown.api_key.empty()) return gate.of_api_key(shown.api_key.front());
  const auto token = shown.authorization.empty() ? std::nullopt : bearer_token(shown.authorization.front());
  if (!token)
    return fail(
      ec::access_denied, "the call's metadata has neither `x-api-key: KEY` nor `authorization: Bearer TOKEN`");
  return gate.of_token(*token);
}

std::string client_of(const identity::principal& who) {
  return who.kind == identity::principal::kinds::user ? who.name : who.text();
}

std::string address_of_peer(std::string_view peer) {
  const auto scheme = peer.find(':'), port = peer.rfind(':');
  if (!peer.starts_with("ipv") || scheme == port) return std::string{peer};
  auto host = percent_decode(peer.substr(scheme + 1, port - scheme - 1));
  if (!host) return std::string{peer};
  if (host->starts_with('[') && host->ends_with(']')) return host->substr(1, host->size() - 2);
  return std::move(*host);
}

int http_status_of(int grpc_code) {
  switch (grpc_code) {
  case 0: return 200;  // OK
  case 1: return 499;  // CANCELLED
  case 3: return 400;  // INVALID_ARGUMENT
  case 4: return 504;  // DEADLINE_EXCEEDED
  case 5: return 404;  // NOT_FOUND
  case 7: return 403;  // PERMISSION_DENIED
  case 8: return 429;  // RESOURCE_EXHAUSTED
  case 9: return 412;  // FAILED_PRECONDITION
  case 10: return 409; // ABORTED
  case 12: return 501; // UNIMPLEMENTED
  case 14: return 503; // UNAVAILABLE
  case 16: return 401; // UNAUTHENTICATED
  default: return 500;
  }
}

} // namespace troupe::shards
