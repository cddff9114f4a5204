// RFC 2047 words in metadata values: SDKs that meet non-ASCII metadata send them, and S3 answers with them.
#include "api/s3/headers.hpp"
#include "codec/text.hpp"
#include "codec/uri.hpp"

#include <algorithm>
#include <optional>

namespace troupe::s3 {

namespace {

bool same(std::string_view a, std::string_view b) { return http::same_name(a, b); }

std::string latin1_to_utf8(std::string_view s) {
  std::string out;
  for (char c : s) {
    const auto u = static_cast<unsigned char>(c);
    if (u < 0x80) {
      out += c;
    } else {
      out += static_cast<char>(0xc0u | (u >> 6));
      out += static_cast<char>(0x80u | (u & 0x3fu));
    }
  }
  return out;
}

std::optional<std::string> q_decode(std::string_view s) {
  std::string percent;
  for (char c : s) {
    if (c == '%')
      percent += "%25";
    else if (c == '=')
      percent += '%';
    else if (c == '_')
      percent += ' ';
    else
      percent += c;
  }
  return percent_decode(percent);
}

// One word at the start of `s`, which is cut off; nothing when there is none.
std::optional<std::string> take_word(std::string_view& s) {
  if (!s.starts_with("=?")) return {};
  const auto charset_end = s.find('?', 2);
  if (charset_end == s.npos || charset_end + 2 >= s.size() || s[charset_end + 2] != '?') return {};
  const auto text_begin = charset_end + 3, text_end = s.find("?=", text_begin);
  if (text_end == s.npos) return {};
  const auto charset = s.substr(2, charset_end - 2), text = s.substr(text_begin, text_end - text_begin);
  const auto how = s[charset_end + 1] | 0x20;
  auto bytes = how == 'b' ? base64_decode(text) : how == 'q' ? q_decode(text) : std::nullopt;
  if (!bytes) return {};
  if (same(charset, "ISO-8859-1"))
    bytes = latin1_to_utf8(*bytes);
  else if (!same(charset, "UTF-8") && !same(charset, "US-ASCII"))
    return {};
  if (!valid_utf8(*bytes)) return {};
  s.remove_prefix(text_end + 2);
  return bytes;
}

bool has_controls(std::string_view s) {
  return std::ranges::any_of(s, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

} // namespace

std::string decode_words(std::string_view value) {
  if (!valid_utf8(value)) return latin1_to_utf8(value); // what HTTP/1.1 once said header bytes are
  if (value.find("=?") == value.npos) return std::string{value};
  std::string out;
  bool after_word = false;
  for (auto rest = value; !rest.empty();) {
    auto ahead = rest;
    if (after_word) // white space between two words belongs to neither
      while (ahead.starts_with(' ') || ahead.starts_with('\t')) ahead.remove_prefix(1);
    if (auto word = take_word(ahead)) {
      out += *word;
      rest = ahead;
      after_word = true;
      continue;
    }
    after_word = false;
    out += rest.front();
    rest.remove_prefix(1);
  }
  return has_controls(out) ? std::string{value} : out;
}

std::string encode_word(std::string_view value) {
  const auto plain = std::ranges::all_of(value, [](char c) { return c >= 0x20 && c < 0x7f; });
  return plain ? std::string{value} : "=?UTF-8?B?" + base64_encode(value) + "?=";
}

} // namespace troupe::s3
