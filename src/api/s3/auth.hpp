// auth: who sent a request. SigV4 in headers and in presigned URLs; what is anonymous, SigV2 or temporary is refused.
#pragma once

#include "api/http/head.hpp"
#include "api/http/signature_check.hpp"
#include "codec/sigv4.hpp"

#include <span>
#include <string>
#include <vector>

namespace troupe::http {
class request;
}

namespace troupe::s3 {

struct surface_config;

using identity = sigv4_identity;

class authenticator {
public:
  explicit authenticator(std::string region);
  // Throws s3_error.
  identity check(const http::request&, const surface_config&);

private:
  http::signature_check signatures_;
};

// S3 reads x-amz-... parameters of a presigned URL as if they were headers: signers hoist them there. Views into the request.
std::vector<http::header> with_hoisted_headers(const http::request&);
// Whether there is any such parameter.
bool has_hoisted_headers(const http::request&);

} // namespace troupe::s3
