// sigv4: AWS Signature Version 4 as S3 uses it: the server's check of a header or presigned request, the client's
// signing of both, and the one canonicaliser under them. Knows nothing of HTTP classes, of which keys exist, of time.
// S3's rules differ from other services': the path is encoded once and never normalised.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
#pragma once

#include "base/environment.hpp"
#include "base/error.hpp"
#include "codec/digest.hpp"

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace troupe {

struct header_view {
  std::string_view name, value;
};

// Views: everything must outlive the call they are passed to.
struct sigv4_request {
  std::string_view method;
  std::string_view path;                                      // decoded once (uri::path)
  std::span<const std::pair<std::string, std::string>> query; // decoded (uri::query)
  std::span<const header_view> headers;                       // as received, in order, repeated ones too
};

// ---- server -------------------------------------------------------------------------------------------------------

struct sigv4_rules {
  std::string service = "s3";
  std::string region;                    // empty: any
  std::int64_t skew_ms = 15 * 60 * 1000; // between the signer's clock and ours
  std::size_t cached_keys_max = 1024;
};

struct sigv4_identity {
  std::string access_key;
  std::string scope; // "20130524/us-east-1/s3/aws4_request"
  std::string region;
  sha256_digest signing_key{};
  std::string signature;      // hex; the seed of an aws-chunked body's signatures
  std::string amz_date;       // "20130524T000000Z"
  std::string signed_headers; // "host;x-amz-date"
  // A hex SHA-256 for the caller to compare the body with, UNSIGNED-PAYLOAD or STREAMING-...: not judged here.
  std::string payload_hash;
  bool presigned = false;
};

// The secret of an access key; nothing when there is no such key.
using secret_lookup = std::function<std::optional<std::string>(std::string_view access_key)>;

// Not thread-safe (it caches signing keys, which change once a day): one per io thread.
class sigv4_verifier {
public:
  explicit sigv4_verifier(sigv4_rules rules) : rules_(std::move(rules)) {}

  // Errors:
  //   access_denied      no authentication at all, no date, expired or not yet valid presigned request, host or an
  //                      x-amz-* header that is there but not signed (x-amz-content-sha256 is signed by its value)
  //   invalid_request    signature version 2, an unknown algorithm, x-amz-content-sha256 missing
  //   invalid_argument   both ways of authentication at once, or a scheme that is not AWS's
  //   authorization_header_malformed, authorization_query_parameters_error
  //                      do not parse, or name another service, region or day than this request's
  //   request_time_too_skewed, invalid_access_key_id, signature_does_not_match
  result<sigv4_identity> verify(const sigv4_request&, const secret_lookup&, unix_ms now);

private:
  struct cached_key {
    std::string secret;
    sha256_digest key;
  };
  sigv4_rules rules_;
  std::unordered_map<std::string, cached_key> keys_; // by access key and scope; only of requests that verified
};

// ---- client -------------------------------------------------------------------------------------------------------

struct sigv4_credentials {
  std::string_view access_key, secret_key;
  std::string_view region = "us-east-1";
  std::string_view service = "s3";
};

// The headers to add: x-amz-date and x-amz-content-sha256 (when not there yet) and Authorization. Signs all headers
// given, which must have Host. payload_hash: hex SHA-256 of the body, or UNSIGNED-PAYLOAD.
std::vector<std::pair<std::string, std::string>> sign(
  const sigv4_request&, const sigv4_credentials&, std::string_view payload_hash, unix_ms now);

// The whole query string (encoded, without '?') of a presigned URL; the headers given, at least Host, must be sent
// with the same values. expires_s: 1..604800.
std::string presign(const sigv4_request&, const sigv4_credentials&, std::int64_t expires_s, unix_ms now);

// ---- both ---------------------------------------------------------------------------------------------------------

// day: "20130524"
sha256_digest sigv4_signing_key(
  std::string_view secret, std::string_view day, std::string_view region, std::string_view service);

// signed_headers: lower-case names separated by ';', in the order to use. Query parameters named `omitted` are left
// out.
std::string sigv4_canonical_request(
  const sigv4_request&, std::string_view signed_headers, std::string_view payload_hash, std::string_view omitted = {});

// Hex signature of a canonical request.
std::string sigv4_signature(
  const sha256_digest& key, std::string_view amz_date, std::string_view scope, std::string_view canonical_request);

} // namespace troupe
