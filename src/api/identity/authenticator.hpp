// authenticator: who sent an HTTP request, for any front door. One proof a request: a SigV4 signature (in headers or a
// presigned URL), `Authorization: Bearer <JWT>`, or `X-API-Key: <key>`. It leaves in the request who it was, for the audit log.
// Front doors with a table of routes ask it through entrance.hpp.
#pragma once

#include "api/http/signature_check.hpp"
#include "api/identity/gate.hpp"

#include <optional>

namespace troupe {

struct authenticated {
  identity::principal who;
  // Of SigV4: the payload's hash is for the front door to compare. Nothing: the content is not signed.
  std::optional<sigv4_identity> signature;
};

class authenticator {
public:
  // The gate outlives it. Front doors for SDKs of other services than S3 take the path as those sign it.
  authenticator(const identity_gate&, sigv4_rules, http::signed_path = http::signed_path::as_s3);
  // Errors: as sigv4_verifier and gate; ec::invalid_argument for two proofs at once; ec::access_denied for none.
  result<authenticated> operator()(http::request&);

private:
  const identity_gate& gate_;
  http::signature_check signatures_;
};

// What follows "Bearer ", a scheme in any case (RFC 9110 section 11.1); nothing for another scheme.
std::optional<std::string_view> bearer_token(std::string_view authorization);

} // namespace troupe
