// error: the one error type of every layer, and result<T> that carries it.
// Errors are values. The message says what failed, on what, and with which values; it may reach a client, so it
// never holds a secret. Exceptions do not cross a layer. Status and S3 code of each value: api/s3/errors.cpp.
#pragma once

#include <boost/system/result.hpp>

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>

namespace troupe {

// Explicit numbers: they travel between processes. Append only.
enum class ec : std::uint8_t {
  // store and cluster
  io_error = 1,    // the disk said no (EIO and friends)
  no_space = 2,    // disk full, or the full watermark was reached
  corrupt = 3,     // bytes that fail their checksum or do not parse
  not_found = 4,   // a row, piece or file that is not there
  unavailable = 5, // too few nodes answered; trying again may help
  timeout = 6,     // no answer in time
  not_leader = 7,  // this metadata member does not lead
  precondition_failed = 8,
  conflict = 9,      // lost a race with another request
  too_large = 10,    // over a bound of ours
  closed = 11,       // the component is shutting down, or refuses writes after an fsync error
  bad_argument = 12, // a caller inside the process passed nonsense
  internal = 13,     // a bug of ours
  not_implemented = 14,
  slow_down = 15,    // admission: over the in-flight limit
  incompatible = 16, // a format or protocol version we do not speak
  // S3
  access_denied = 40,
  authorization_header_malformed = 41,
  authorization_query_parameters_error = 42,
  bad_digest = 43,
  bad_request = 44,
  bucket_already_exists = 45,
  bucket_already_owned_by_you = 46,
  bucket_not_empty = 47,
  entity_too_large = 48,
  entity_too_small = 49,
  expired_token = 50,
  incomplete_body = 51,
  invalid_access_key_id = 52,
  invalid_argument = 53,
  invalid_bucket_name = 54,
  invalid_digest = 55,
  invalid_part = 56,
  invalid_part_order = 57,
  invalid_range = 58,
  invalid_request = 59,
  invalid_uri = 60,
  key_too_long = 61,
  malformed_trailer = 62,
  malformed_xml = 63,
  metadata_too_large = 64,
  method_not_allowed = 65,
  missing_content_length = 66,
  no_such_bucket = 67,
  no_such_key = 68,
  no_such_upload = 69,
  no_such_version = 70,
  not_modified = 71,
  request_time_too_skewed = 72,
  request_timeout = 73,
  signature_does_not_match = 74,
  content_sha256_mismatch = 75,
  conditional_request_conflict = 76,
  invalid_part_number = 77,
  header_section_too_large = 78,
  illegal_location_constraint = 79,
  missing_security_header = 80,
  expectation_failed = 81,
  http_version_not_supported = 82,
};

// The enumerator's own name, for logs ("no_such_key"); "unknown" for a number that has none.
std::string_view to_string(ec) noexcept;

struct [[nodiscard]] error {
  ec code = ec::internal;
  std::string message;
  friend bool operator==(const error&, const error&) = default;
};

// "no_such_key: the message"; what a failed test prints.
std::ostream& operator<<(std::ostream&, const error&);

template <class T = void>
using result = boost::system::result<T, error>;

inline error fail(ec code, std::string message) { return error{code, std::move(message)}; }

// Required by boost::system::result for value() on an error: a bug of the caller.
[[noreturn]] void throw_exception_from_error(const error&, const boost::source_location&);

} // namespace troupe

// Returns the error of `expr` from the enclosing function, or goes on. For result<void> and result<T>.
#define TROUPE_TRY(expr)                                                                                               \
  do {                                                                                                                 \
    if (auto troupe_try_ = (expr); !troupe_try_) return std::move(troupe_try_).error();                                \
  } while (false)
