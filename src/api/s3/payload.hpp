// payload: a request's content as its headers declare it: plain or aws-chunked, how long, and what it must hash to.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and .../userguide/checking-object-integrity.html
#pragma once

#include "api/http/body.hpp"
#include "api/http/head.hpp"
#include "api/objects/object_store.hpp"
#include "api/s3/auth.hpp"
#include "codec/checksum_set.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace troupe::http {
class request;
}

namespace troupe::s3 {

class aws_chunked_source;

// Whose checksum x-amz-checksum-... is: CompleteMultipartUpload's is the object's, not its own document's.
enum class checksums_of : std::uint8_t { content, object };

class payload {
public:
  // Throws s3_error for headers that contradict themselves or ask for what is not there.
  payload(http::request&, std::span<const http::header>, const sigv4_identity&, checksums_of);
  payload(payload&&) noexcept;
  ~payload();

  // The decoded length. Throws ec::missing_content_length.
  std::uint64_t length() const;
  // Not even an empty body was announced.
  bool absent() const { return !length_; }
  http::body_source& source();

  // What the store has to verify, and the kinds it has to compute for that.
  expected_content expected();
  const checksum_set& announced() const { return announced_; }
  // Content-MD5 or a checksum came along.
  bool guarded() const { return md5_.has_value() || !announced_.empty(); }

  // The whole content, verified. Throws ec::entity_too_large beyond `bytes_max`.
  http::task<std::string> read_document(std::size_t bytes_max);

private:
  void read_checksums(std::span<const http::header>);

  http::request& request_;
  std::unique_ptr<aws_chunked_source> chunked_;
  std::optional<std::uint64_t> length_;
  std::optional<std::string> md5_, sha256_;
  std::shared_ptr<checksum_values> values_; // those that came in headers
  checksum_set announced_;                  // in headers or as trailers
  std::optional<checksum_kind> trailer_;
};

// "CRC32" and so on, in any case. Throws ec::invalid_request for an unknown one; nothing for an empty header.
std::optional<checksum_kind> read_algorithm(std::string_view header);

// The raw bytes of an x-amz-checksum-... value. Throws ec::invalid_request.
std::string read_checksum(checksum_kind, std::string_view base64);

} // namespace troupe::s3
