// signature_check: whose signature is on a request (codec/sigv4.hpp), for every front door that asks. Which service and
// region it must be for are the rules'; what may then be done is the front door's.
#pragma once

#include "codec/sigv4.hpp"

#include <memory>
#include <vector>

namespace troupe::http {

class request;

// Any number of io threads: each has a verifier of its own, because they cache signing keys.
class signature_check {
public:
  explicit signature_check(sigv4_rules rules);
  // Errors: sigv4_verifier's. The payload's hash is for the caller to compare.
  result<sigv4_identity> operator()(const request&, const secret_lookup&, unix_ms now);

private:
  sigv4_rules rules_;
  std::vector<std::unique_ptr<sigv4_verifier>> verifiers_; // by io thread; each slot is touched by its own thread only
};

} // namespace troupe::http
