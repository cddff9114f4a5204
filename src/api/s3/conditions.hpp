// conditions: If-Match and its kin, for reads, for copy sources and for writes. Pure.
// Precedence is RFC 9110 section 13.2.2, which is also what S3 documents.
#pragma once

#include "base/environment.hpp"
#include "base/error.hpp"

#include <string_view>

namespace troupe {
struct object_conditions;
}

namespace troupe::s3 {

// Header values as sent; empty means not sent.
struct read_conditions {
  std::string_view if_match, if_none_match, if_modified_since, if_unmodified_since;
  bool any() const {
    return !if_match.empty() || !if_none_match.empty() || !if_modified_since.empty() || !if_unmodified_since.empty();
  }
};

enum class verdict : std::uint8_t { proceed, not_modified, precondition_failed };

// `etag` without quotes. HTTP dates have seconds, so milliseconds are cut off first; a date that is none is ignored.
verdict judge(const read_conditions&, std::string_view etag, unix_ms modified_ms);

// Does an If-Match style list ("*", or quoted or bare tags, maybe W/) name this tag?
bool names_etag(std::string_view list, std::string_view etag);

// If-Match and If-None-Match of a write: "*" or one tag. ec::not_implemented for a list.
result<object_conditions> write_conditions(std::string_view if_match, std::string_view if_none_match);

std::string_view unquoted(std::string_view etag);

} // namespace troupe::s3
