// s3_failure: what a failed S3 request is called, and what the user can do about it.
#pragma once

#include "base/error.hpp"

#include <string>
#include <string_view>

namespace troupe::cli {

// From an answer that is not 2xx: "NoSuchBucket: the message (request id 123)". `body` may be empty (HEAD) or not XML.
error failure_of(int status, std::string_view body, std::string_view request_id);

// From an S3 error code as it stands in XML; ec::bad_request for one that needs no special treatment.
ec code_named(std::string_view s3_code) noexcept;

// One sentence that says what to do, or nothing.
std::string_view hint_for(const error&) noexcept;

// Writes "troupe: WHAT: message" and the hint to stderr; returns 1, the exit code.
int report_failure(std::string_view what, const error&);

} // namespace troupe::cli
