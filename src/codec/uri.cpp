#include "codec/uri.hpp"

#include <cstddef>

namespace troupe {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
    c == '_' || c == '~';
}

bool decode(std::string_view in, bool plus_is_space, std::string& out) {
  out.clear();
  out.reserve(in.size());
  for (std::size_t i = 0; i < in.size(); ++i) {
    auto c = in[i];
    if (c == '%') {
      if (in.size() - i < 3) return false;
      auto high = hex_value(in[i + 1]), low = hex_value(in[i + 2]);
      if (high < 0 || low < 0) return false;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    out += c;
  }
  return true;
}

// Schemes are case-insensitive (RFC 3986 section 3.1).
bool has_scheme(std::string_view target, std::string_view scheme) {
  if (target.size() < scheme.size()) return false;
  for (std::size_t i = 0; i < scheme.size(); ++i) {
    auto c = target[i];
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c != scheme[i]) return false;
  }
  return true;
}

bool has_nul(std::string_view s) { return s.find('\0') != s.npos; }

} // namespace

bool uri::parse(std::string_view target) {
  query.clear();
  auto absolute = false;
  for (std::string_view scheme : {"http://", "https://"}) {
    if (!has_scheme(target, scheme)) continue;
    auto end = target.find_first_of("/?", scheme.size()); // of the authority
    if (end == scheme.size()) return false;               // "http:///x" names no host
    target = end == target.npos ? std::string_view{"/"} : target.substr(end);
    absolute = true;
    break;
  }
  if (target.empty() || target.find('#') != target.npos) return false;
  auto mark = target.find('?');
  raw_path = target.substr(0, mark);
  raw_query = mark == target.npos ? std::string_view{} : target.substr(mark + 1);
  if (raw_path.empty() && absolute) raw_path = "/"; // "http://host?query"
  if (!raw_path.starts_with('/')) return false;
  if (!decode(raw_path, false, path) || has_nul(path) || !valid_utf8(path)) return false;
  for (auto rest = raw_query; !rest.empty();) {
    auto amp = rest.find('&');
    auto item = rest.substr(0, amp);
    rest = amp == rest.npos ? std::string_view{} : rest.substr(amp + 1);
    if (item.empty()) continue;
    auto equals = item.find('=');
    std::string name, value;
    if (!decode(item.substr(0, equals), true, name)) return false;
    if (equals != item.npos && !decode(item.substr(equals + 1), true, value)) return false;
    if (has_nul(name) || has_nul(value)) return false;
    query.emplace_back(std::move(name), std::move(value));
  }
  return true;
}

const std::string* uri::q(std::string_view key) const {
  for (auto& [name, value] : query)
    if (name == key) return &value;
  return nullptr;
}

std::string percent_encode(std::string_view in, bool keep_slash) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(in.size() + 8);
  for (auto c : in) {
    if (unreserved(c) || (c == '/' && keep_slash)) {
      out += c;
    } else {
      auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  return out;
}

std::optional<std::string> percent_decode(std::string_view in, bool plus_is_space) {
  std::string out;
  if (!decode(in, plus_is_space, out)) return std::nullopt;
  return out;
}

bool valid_utf8(std::string_view s) noexcept {
  for (std::size_t i = 0; i < s.size();) {
    auto at = [&](std::size_t n) { return static_cast<unsigned char>(s[i + n]); };
    auto lead = at(0);
    if (lead < 0x80) {
      ++i;
      continue;
    }
    std::size_t tail = 0;
    unsigned char low = 0x80, high = 0xbf; // what the second byte may be: Unicode 15, table 3-7
    if (lead >= 0xc2 && lead <= 0xdf) {
      tail = 1;
    } else if (lead >= 0xe0 && lead <= 0xef) {
      tail = 2;
      if (lead == 0xe0) low = 0xa0;
      if (lead == 0xed) high = 0x9f;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
      tail = 3;
      if (lead == 0xf0) low = 0x90;
      if (lead == 0xf4) high = 0x8f;
    } else {
      return false;
    }
    if (s.size() - i <= tail || at(1) < low || at(1) > high) return false;
    for (std::size_t n = 2; n <= tail; ++n)
      if ((at(n) & 0xc0) != 0x80) return false;
    i += tail + 1;
  }
  return true;
}

} // namespace troupe
