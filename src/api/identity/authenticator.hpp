// authenticator: who sent an HTTP request, for any front door. One proof a request: a SigV4 signature (in headers or a
// presigned URL), `Authorization: Bearer <JWT>`, or `X-API-Key: <key>`. What a front door does with it:
//
//   authenticator who_sent{*context.identity, {.service = "s3db"}};      // once, shared by its io threads
//   const auto caller = must(who_sent(rq));                              // each request, before anything is looked up
//   must(authorise(*context.identity, rq, caller.who, {.action = action::write, .bucket = bucket, .key = key}));
//
// Both leave in the request, for the audit log, who it was and what it wanted.
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

// Of one action; the last one of a request is what the audit log tells.
result<> authorise(const identity_gate&, http::request&, const identity::principal&, const identity::request&);

} // namespace troupe
