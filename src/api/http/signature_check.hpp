// signature_check: whose signature is on a request (codec/sigv4.hpp), for every front door that asks. Which service and
// region it must be for are the rules'; what may then be done is the front door's.
#pragma once

#include "codec/sigv4.hpp"

#include <memory>
#include <vector>

namespace troupe::http {

class request;

// How the path goes into what is signed. S3 encodes it once. SDKs sign for every other service with the path as it is
// sent, encoded once more. Where a decoded path has no '%' the first form is taken as well: then no signature is one for
// two paths.
enum class signed_path : std::uint8_t { as_s3, as_any_service };

// Any number of io threads: each has a verifier of its own, because they cache signing keys.
class signature_check {
public:
  explicit signature_check(sigv4_rules rules, signed_path = signed_path::as_s3);
  // Errors: sigv4_verifier's. The payload's hash is for the caller to compare.
  result<sigv4_identity> operator()(const request&, const secret_lookup&, unix_ms now);

private:
  sigv4_rules rules_;
  signed_path path_;
  std::vector<std::unique_ptr<sigv4_verifier>> verifiers_; // by io thread; each slot is touched by its own thread only
};

} // namespace troupe::http
