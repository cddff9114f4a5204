// errors: each ec as S3 names it (HTTP status, code, message), the codes that have no ec, and the XML of an error.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
#pragma once

#include "base/error.hpp"

#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::s3 {

struct s3_code {
  int status = 500;
  std::string_view code;
  std::string_view message; // S3's own words
  bool verbatim = false;    // clients match on the message: always S3's, never a more precise one
};

const s3_code& s3_code_of(ec) noexcept;
bool has_own_row(ec) noexcept; // for the test that no value of ec was forgotten

// Answers of S3 that no layer below needs a name for.
namespace codes {
inline constexpr s3_code no_cors{404, "NoSuchCORSConfiguration", "The CORS configuration does not exist", true};
inline constexpr s3_code no_encryption{404, "ServerSideEncryptionConfigurationNotFoundError",
  "The server side encryption configuration was not found", true};
inline constexpr s3_code no_lifecycle{
  404, "NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist", true};
inline constexpr s3_code no_object_lock{
  404, "ObjectLockConfigurationNotFoundError", "Object Lock configuration does not exist for this bucket", true};
inline constexpr s3_code no_object_retention{
  404, "NoSuchObjectLockConfiguration", "The specified object does not have a ObjectLock configuration", true};
inline constexpr s3_code no_ownership_controls{
  404, "OwnershipControlsNotFoundError", "The bucket ownership controls were not found", true};
inline constexpr s3_code no_policy{404, "NoSuchBucketPolicy", "The bucket policy does not exist", true};
inline constexpr s3_code no_public_access_block{
  404, "NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found", true};
inline constexpr s3_code no_replication{
  404, "ReplicationConfigurationNotFoundError", "The replication configuration was not found", true};
inline constexpr s3_code no_tags{404, "NoSuchTagSet", "The TagSet does not exist", true};
inline constexpr s3_code no_website{
  404, "NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration", true};
inline constexpr s3_code cors_forbidden{
  403, "AccessForbidden", "CORSResponse: CORS is not enabled for this bucket.", true};
inline constexpr s3_code invalid_storage_class{
  400, "InvalidStorageClass", "The storage class you specified is not valid", false};
inline constexpr s3_code invalid_token{
  400, "InvalidToken", "The provided token is malformed or otherwise invalid.", false};
inline constexpr s3_code invalid_tag{400, "InvalidTag", "The tag provided was not a valid tag.", false};
inline constexpr s3_code bad_tags{400, "BadRequest", "Object tags cannot be greater than 10", false};
} // namespace codes

// Thrown by the handlers of this folder, and caught by the surface: never leaves it.
struct s3_error final : std::exception {
  s3_error(ec code, std::string text = {}) : what_is(s3_code_of(code)), message(std::move(text)) {}
  s3_error(const error& e) : s3_error(e.code, e.message) {}
  s3_error(const s3_code& code, std::string text = {}) : what_is(code), message(std::move(text)) {}
  const char* what() const noexcept override { return what_is.code.data(); }
  std::string_view text() const {
    return message.empty() || what_is.verbatim ? what_is.message : std::string_view{message};
  }
  s3_error with_header(std::string name, std::string value) && {
    headers.emplace_back(std::move(name), std::move(value));
    return std::move(*this);
  }
  s3_error with_element(std::string name, std::string value) && {
    elements.emplace_back(std::move(name), std::move(value));
    return std::move(*this);
  }

  s3_code what_is;
  std::string message;
  std::vector<std::pair<std::string, std::string>> headers;  // also sent
  std::vector<std::pair<std::string, std::string>> elements; // also in the XML
};

// The value, or the error thrown.
template <class T>
T must(result<T>&& r) {
  if (!r) throw s3_error{r.error()};
  if constexpr (!std::is_void_v<T>) return std::move(*r);
}

struct error_context {
  std::string_view resource, bucket, key, request_id, host_id;
};
std::string error_xml(const s3_error&, const error_context&);

} // namespace troupe::s3
