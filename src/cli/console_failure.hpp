// console_failure: what a failed request to the console is called, and what the operator can do about it.
#pragma once

#include "base/error.hpp"

#include <string_view>

namespace troupe::cli {

// From an answer that is not 2xx: {"error": {"code", "message", "request_id"}}; by the status alone when it is not that.
error console_failure_of(int status, std::string_view body);

// One sentence that says what to do, or nothing.
std::string_view console_hint_for(const error&) noexcept;

} // namespace troupe::cli
