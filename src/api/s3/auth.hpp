// auth: who sent a request, and whether they may do what it asks for. SigV4 in headers and in presigned URLs (which act as
// the key that signed them), tokens, API keys; what is anonymous, SigV2 or temporary is refused.
#pragma once

#include "api/http/head.hpp"
#include "api/identity/authenticator.hpp"
#include "codec/sigv4.hpp"

#include <span>
#include <string>
#include <vector>

namespace troupe::http {
class request;
}

namespace troupe::s3 {

struct surface_config;
struct call;

struct sender {
  identity::principal who;
  // Of a request without a signature: the payload's hash alone, if it says one.
  sigv4_identity signature;
};

class sender_check {
public:
  sender_check(const identity_gate&, std::string region);
  // Throws s3_error.
  sender operator()(http::request&);

private:
  std::string region_;
  authenticator who_sent_;
};

// Whether the sender may do what the operation is. What it also reads (copies), removes (DeleteObjects) or shows (ListBuckets)
// its handler asks for, by these:
void check_allowed(const call&);                                                                  // throws s3_error
void check_allowed(const call&, identity::action, std::string_view bucket, std::string_view key); // the same
bool is_allowed(const call&, identity::action, std::string_view bucket, std::string_view key);
bool is_shown(const call&, std::string_view bucket);

// S3 reads x-amz-... parameters of a presigned URL as if they were headers: signers hoist them there. Views into the request.
std::vector<http::header> with_hoisted_headers(const http::request&);
// Whether there is any such parameter.
bool has_hoisted_headers(const http::request&);

} // namespace troupe::s3
