// text: bytes and times as text: hex, base64, and the four date forms that S3 clients use.
// Parsing is strict: nothing is skipped, nothing is guessed, nothing may follow. Times are UTC.
#pragma once

#include "base/bytes.hpp"
#include "base/environment.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace troupe {

std::string hex_encode(bytes_view); // lower case
inline std::string hex_encode(std::string_view s) { return hex_encode(as_bytes(s)); }
std::optional<std::string> hex_decode(std::string_view); // either case

std::string base64_encode(bytes_view); // RFC 4648 section 4, padded
inline std::string base64_encode(std::string_view s) { return base64_encode(as_bytes(s)); }
// Only the one canonical encoding of a value: padded, unused bits zero, no white space.
std::optional<std::string> base64_decode(std::string_view);

// "Sun, 06 Nov 1994 08:49:37 GMT". Here and below, times outside the years 0..9999 are clamped.
std::string format_http_date(unix_ms);
// RFC 7231 section 7.1.1.1: that form, and the obsolete "Sunday, 06-Nov-94 08:49:37 GMT" (two-digit years are
// 1970..2069) and "Sun Nov  6 08:49:37 1994". The name of the day is not compared with the date.
std::optional<unix_ms> parse_http_date(std::string_view);

std::string format_iso8601(unix_ms); // "2026-11-20T20:56:00.000Z"
// With or without a fraction (1 to 9 digits, cut to milliseconds); the zone is Z or +hh:mm or -hh:mm.
std::optional<unix_ms> parse_iso8601(std::string_view);

std::string format_amz_date(unix_ms); // "20130524T000000Z"; its first eight characters are the day of a scope
std::optional<unix_ms> parse_amz_date(std::string_view);

} // namespace troupe
