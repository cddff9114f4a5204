#include "api/s3/errors.hpp"

#include "codec/xml.hpp"

#include <array>

namespace troupe::s3 {

namespace {

// A client is not told which disk or file failed: that is for the log. A row or piece that should be there and is not
// means a damaged object, never an absent one.
constexpr s3_code internal{500, "InternalError", "We encountered an internal error. Please try again.", true};
constexpr s3_code unavailable{503, "ServiceUnavailable", "Service is unable to handle request.", false};

struct row {
  ec code;
  s3_code answer;
};

// clang-format off
constexpr row table[] = {
    {ec::io_error, internal},
    {ec::no_space, {507, "InsufficientStorage", "There is not enough free space to store this.", false}},
    {ec::corrupt, internal},
    {ec::not_found, internal},
    {ec::unavailable, unavailable},
    {ec::timeout, unavailable},
    {ec::not_leader, unavailable},
    {ec::precondition_failed, {412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold", true}},
    {ec::conflict, {409, "OperationAborted", "A conflicting conditional operation is currently in progress against this resource. Please try again.", false}},
    {ec::too_large, {400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size", false}},
    {ec::closed, unavailable},
    {ec::bad_argument, internal},
    {ec::internal, internal},
    {ec::not_implemented, {501, "NotImplemented", "A header you provided implies functionality that is not implemented", false}},
    {ec::slow_down, {503, "SlowDown", "Please reduce your request rate.", true}},
    {ec::incompatible, internal},
    {ec::access_denied, {403, "AccessDenied", "Access Denied", false}},
    {ec::authorization_header_malformed, {400, "AuthorizationHeaderMalformed", "The authorization header that you provided is not valid.", false}},
    {ec::authorization_query_parameters_error, {400, "AuthorizationQueryParametersError", "The query parameters of the presigned URL are not valid.", false}},
    {ec::bad_digest, {400, "BadDigest", "The Content-MD5 or checksum value that you specified did not match what the server received.", false}},
    {ec::bad_request, {400, "BadRequest", "Bad Request", false}},
    {ec::bucket_already_exists, {409, "BucketAlreadyExists", "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.", true}},
    {ec::bucket_already_owned_by_you, {409, "BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.", true}},
    {ec::bucket_not_empty, {409, "BucketNotEmpty", "The bucket you tried to delete is not empty", true}},
    {ec::entity_too_large, {400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size", false}},
    {ec::entity_too_small, {400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size", true}},
    {ec::expired_token, {400, "ExpiredToken", "The provided token has expired.", false}},
    {ec::incomplete_body, {400, "IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header", false}},
    {ec::invalid_access_key_id, {403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.", true}},
    {ec::invalid_argument, {400, "InvalidArgument", "Invalid Argument", false}},
    {ec::invalid_bucket_name, {400, "InvalidBucketName", "The specified bucket is not valid.", true}},
    {ec::invalid_digest, {400, "InvalidDigest", "The Content-MD5 or checksum value that you specified is not valid.", false}},
    {ec::invalid_part, {400, "InvalidPart", "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.", true}},
    {ec::invalid_part_order, {400, "InvalidPartOrder", "The list of parts was not in ascending order. Parts must be ordered by part number.", true}},
    {ec::invalid_range, {416, "InvalidRange", "The requested range is not satisfiable", false}},
    {ec::invalid_request, {400, "InvalidRequest", "Invalid Request", false}},
    {ec::invalid_uri, {400, "InvalidURI", "Couldn't parse the specified URI.", false}},
    {ec::key_too_long, {400, "KeyTooLongError", "Your key is too long", true}},
    {ec::malformed_trailer, {400, "MalformedTrailerError", "The request contained trailing data that was not well-formed or did not conform to our published schema.", false}},
    {ec::malformed_xml, {400, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema", false}},
    {ec::metadata_too_large, {400, "MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size", true}},
    {ec::method_not_allowed, {405, "MethodNotAllowed", "The specified method is not allowed against this resource.", true}},
    {ec::missing_content_length, {411, "MissingContentLength", "You must provide the Content-Length HTTP header.", true}},
    {ec::no_such_bucket, {404, "NoSuchBucket", "The specified bucket does not exist", true}},
    {ec::no_such_key, {404, "NoSuchKey", "The specified key does not exist.", true}},
    {ec::no_such_upload, {404, "NoSuchUpload", "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.", true}},
    {ec::no_such_version, {404, "NoSuchVersion", "The specified version does not exist.", true}},
    {ec::not_modified, {304, "NotModified", "Not Modified", true}},
    {ec::request_time_too_skewed, {403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.", true}},
    {ec::request_timeout, {400, "RequestTimeout", "Your socket connection to the server was not read from or written to within the timeout period. Idle connections will be closed.", true}},
    {ec::signature_does_not_match, {403, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your key and signing method.", true}},
    {ec::content_sha256_mismatch, {400, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.", true}},
    {ec::conditional_request_conflict, {409, "ConditionalRequestConflict", "The conditional request cannot succeed due to a conflicting operation against this resource.", true}},
    {ec::invalid_part_number, {416, "InvalidPartNumber", "The requested partnumber is not satisfiable", true}},
    {ec::header_section_too_large, {431, "RequestHeaderSectionTooLarge", "Your request header section exceeds the maximum allowed size.", true}},
    {ec::illegal_location_constraint, {400, "IllegalLocationConstraintException", "The specified location-constraint is not valid", false}},
    {ec::missing_security_header, {400, "MissingSecurityHeader", "Your request was missing a required header.", false}},
    {ec::expectation_failed, {417, "ExpectationFailed", "The value of the Expect header is not one that can be met.", false}},
    {ec::http_version_not_supported, {505, "HttpVersionNotSupported", "The HTTP version specified is not supported.", true}},
};
// clang-format on

constexpr auto by_number = [] {
  std::array<s3_code, 256> all{};
  all.fill(internal);
  for (const auto& r : table) all[static_cast<std::size_t>(r.code)] = r.answer;
  return all;
}();

} // namespace

const s3_code& s3_code_of(ec code) noexcept { return by_number[static_cast<std::size_t>(code)]; }

bool has_own_row(ec code) noexcept {
  for (const auto& r : table)
    if (r.code == code) return true;
  return false;
}

std::string error_xml(const s3_error& e, const error_context& context) {
  std::string out;
  xml_writer x{out};
  x.open("Error").element("Code", e.what_is.code).element("Message", e.text());
  if (!context.bucket.empty()) x.element("BucketName", context.bucket);
  if (!context.key.empty()) x.element("Key", context.key);
  for (const auto& [name, value] : e.elements) x.element(name, value);
  x.element("Resource", context.resource).element("RequestId", context.request_id).element("HostId", context.host_id);
  x.close();
  return out;
}

} // namespace troupe::s3
