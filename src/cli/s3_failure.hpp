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

// What a status means when the body does not say.
ec code_of_status(int status) noexcept;
std::string_view words_of_status(int status) noexcept;
// A text from the network, cut to 1000 characters, control characters as spaces: they must not reach the terminal.
std::string printable(std::string_view);

// What to do when the server speaks https and was asked in the clear; empty for any other error.
std::string_view https_hint_for(const error&) noexcept;
// One sentence that says what to do, or nothing.
std::string_view hint_for(const error&) noexcept;

// Writes "troupe: WHAT: message" and the hint to stderr; returns 1, the exit code.
int report_failure(std::string_view what, const error&);
// The same with another hint.
int report_failure(std::string_view what, const error&, std::string_view hint);

} // namespace troupe::cli
