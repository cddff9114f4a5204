#include "base/error.hpp"

#include <ostream>
#include <stdexcept>

namespace troupe {

std::string_view to_string(ec code) noexcept {
  switch (code) {
  case ec::io_error: return "io_error";
  case ec::no_space: return "no_space";
  case ec::corrupt: return "corrupt";
  case ec::not_found: return "not_found";
  case ec::unavailable: return "unavailable";
  case ec::timeout: return "timeout";
  case ec::not_leader: return "not_leader";
  case ec::precondition_failed: return "precondition_failed";
  case ec::conflict: return "conflict";
  case ec::too_large: return "too_large";
  case ec::closed: return "closed";
  case ec::bad_argument: return "bad_argument";
  case ec::internal: return "internal";
  case ec::not_implemented: return "not_implemented";
  case ec::slow_down: return "slow_down";
  case ec::incompatible: return "incompatible";
  case ec::access_denied: return "access_denied";
  case ec::authorization_header_malformed: return "authorization_header_malformed";
  case ec::authorization_query_parameters_error: return "authorization_query_parameters_error";
  case ec::bad_digest: return "bad_digest";
  case ec::bad_request: return "bad_request";
  case ec::bucket_already_exists: return "bucket_already_exists";
  case ec::bucket_already_owned_by_you: return "bucket_already_owned_by_you";
  case ec::bucket_not_empty: return "bucket_not_empty";
  case ec::entity_too_large: return "entity_too_large";
  case ec::entity_too_small: return "entity_too_small";
  case ec::expired_token: return "expired_token";
  case ec::incomplete_body: return "incomplete_body";
  case ec::invalid_access_key_id: return "invalid_access_key_id";
  case ec::invalid_argument: return "invalid_argument";
  case ec::invalid_bucket_name: return "invalid_bucket_name";
  case ec::invalid_digest: return "invalid_digest";
  case ec::invalid_part: return "invalid_part";
  case ec::invalid_part_order: return "invalid_part_order";
  case ec::invalid_range: return "invalid_range";
  case ec::invalid_request: return "invalid_request";
  case ec::invalid_uri: return "invalid_uri";
  case ec::key_too_long: return "key_too_long";
  case ec::malformed_trailer: return "malformed_trailer";
  case ec::malformed_xml: return "malformed_xml";
  case ec::metadata_too_large: return "metadata_too_large";
  case ec::method_not_allowed: return "method_not_allowed";
  case ec::missing_content_length: return "missing_content_length";
  case ec::no_such_bucket: return "no_such_bucket";
  case ec::no_such_key: return "no_such_key";
  case ec::no_such_upload: return "no_such_upload";
  case ec::no_such_version: return "no_such_version";
  case ec::not_modified: return "not_modified";
  case ec::request_time_too_skewed: return "request_time_too_skewed";
  case ec::request_timeout: return "request_timeout";
  case ec::signature_does_not_match: return "signature_does_not_match";
  case ec::content_sha256_mismatch: return "content_sha256_mismatch";
  case ec::conditional_request_conflict: return "conditional_request_conflict";
  case ec::invalid_part_number: return "invalid_part_number";
  case ec::header_section_too_large: return "header_section_too_large";
  case ec::illegal_location_constraint: return "illegal_location_constraint";
  case ec::missing_security_header: return "missing_security_header";
  case ec::expectation_failed: return "expectation_failed";
  case ec::http_version_not_supported: return "http_version_not_supported";
  }
  return "unknown";
}

std::ostream& operator<<(std::ostream& out, const error& e) { return out << to_string(e.code) << ": " << e.message; }

void throw_exception_from_error(const error& e, const boost::source_location&) {
  throw std::logic_error("value() of an error: " + std::string{to_string(e.code)} + ": " + e.message);
}

} // namespace troupe
