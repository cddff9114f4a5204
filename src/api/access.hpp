// access: who may use a front door that is not S3's: one place for all of them. Requests are signed (SigV4, service
// `troupe`, any region) in their headers, with a key of the cluster; links that carry a signature are refused.
#pragma once

#include "api/http/signature_check.hpp"
#include "base/environment.hpp"
#include "codec/sigv4.hpp"

#include <string_view>

namespace troupe {

class access {
public:
  static constexpr std::string_view service = "troupe";

  access(secret_lookup secret_of, const wall_clock& clock)
      : secret_of_(std::move(secret_of)), clock_(clock), signatures_({.service = std::string{service}, .region = {}}) {}

  // Before anything is looked up or read. Throws api_error.
  sigv4_identity check(const http::request&);

private:
  secret_lookup secret_of_;
  const wall_clock& clock_;
  http::signature_check signatures_;
};

// What the signature says of the body: hex of its SHA-256; empty when it leaves the body open (UNSIGNED-PAYLOAD). Throws
// api_error for the streaming forms, which only S3 takes.
std::string signed_sha256(const sigv4_identity&);

} // namespace troupe
