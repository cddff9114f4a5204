#include "api/s3/names.hpp"

#include "codec/uri.hpp"

#include <algorithm>
#include <array>

namespace troupe::s3 {

namespace {

bool is_low_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

// Four groups of one to three digits: refused whatever their values, as S3 does.
bool looks_like_ipv4(std::string_view s) {
  std::size_t groups = 0, digits = 0;
  for (char c : s) {
    if (c == '.') {
      if (digits == 0) return false;
      ++groups, digits = 0;
    } else if (c < '0' || c > '9' || ++digits > 3) {
      return false;
    }
  }
  return groups == 3 && digits != 0;
}

constexpr std::array<std::string_view, 3> reserved_prefixes{"xn--", "sthree-", "amzn-s3-demo-"};
constexpr std::array<std::string_view, 5> reserved_suffixes{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"};

} // namespace

result<> check_bucket_name(std::string_view name) {
  auto bad = name.size() < 3 || name.size() > 63 || !is_low_alnum(name.front()) || !is_low_alnum(name.back()) ||
    !std::ranges::all_of(name, [](char c) { return is_low_alnum(c) || c == '.' || c == '-'; }) ||
    name.find("..") != name.npos || looks_like_ipv4(name) ||
    std::ranges::any_of(reserved_prefixes, [&](auto p) { return name.starts_with(p); }) ||
    std::ranges::any_of(reserved_suffixes, [&](auto s) { return name.ends_with(s); });
  if (bad) return fail(ec::invalid_bucket_name, "The specified bucket is not valid.");
  return {};
}

result<> check_key(std::string_view key) {
  if (key.empty()) return fail(ec::invalid_argument, "The object key is empty.");
  if (key.size() > key_bytes_max) return fail(ec::key_too_long, {});
  if (key.find('\0') != key.npos) return fail(ec::invalid_argument, "An object key must not contain a NUL byte.");
  if (!valid_utf8(key)) return fail(ec::invalid_uri, "The object key is not valid UTF-8.");
  return {};
}

result<> check_version_id(std::string_view version_id) {
  if (version_id.empty()) return fail(ec::invalid_argument, "Version id cannot be the empty string");
  if (version_id != "null") return fail(ec::no_such_version, {});
  return {};
}

} // namespace troupe::s3
