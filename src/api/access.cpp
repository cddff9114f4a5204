#include "api/access.hpp"

#include "api/http/failure.hpp"
#include "api/http/request.hpp"

namespace troupe {

sigv4_identity access::check(const http::request& rq) {
  auto who = signatures_(rq, secret_of_, clock_.now());
  if (!who) throw http::api_error{who.error()};
  if (who->presigned) throw http::api_error{ec::access_denied, "signatures go into headers here, not into URLs"};
  return std::move(*who);
}

std::string signed_sha256(const sigv4_identity& who) {
  if (who.payload_hash == "UNSIGNED-PAYLOAD") return {};
  if (who.payload_hash.size() == 64) return who.payload_hash;
  throw http::api_error{ec::not_implemented,
    "x-amz-content-sha256 is the SHA-256 of the body here, or UNSIGNED-PAYLOAD, not " + who.payload_hash};
}

} // namespace troupe
