// uri: a request target split and decoded once, and the percent encoding that S3 signs with.
// An S3 key is bytes, not a path: `//`, `.` and `..` stay as they are, and so do raw UTF-8, `|`, `{` and `}`, which
// real clients send and which Boost.URL refuses. What is refused is what has no single meaning.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe {

struct uri {
  // Views into the target given to parse() (or into static storage): valid as long as it is.
  std::string_view raw_path, raw_query;
  std::string path; // decoded once, never normalised, valid UTF-8 without NUL
  // Decoded, in order, repeated names kept; "a" and "a=" both have an empty value. Bytes: not checked for UTF-8.
  std::vector<std::pair<std::string, std::string>> query;

  // Takes origin-form ("/b/k?x") and absolute-form ("http://host/b/k?x"). False for anything else, and for '#', a bad
  // %-escape, NUL, or a path that is not UTF-8; the fields are then unspecified.
  [[nodiscard]] bool parse(std::string_view target);

  // The first value of a query parameter (names are case-sensitive); null when it is absent.
  const std::string* q(std::string_view key) const;
};

// Encodes all but A-Z a-z 0-9 - . _ ~ (RFC 3986 unreserved), with upper-case hex, as SigV4 demands.
std::string percent_encode(std::string_view, bool keep_slash);

// Nothing when a '%' is not followed by two hex digits.
std::optional<std::string> percent_decode(std::string_view, bool plus_is_space = false);

// Unicode's definition: no overlong forms, no surrogates, nothing beyond U+10FFFF.
bool valid_utf8(std::string_view) noexcept;

} // namespace troupe
