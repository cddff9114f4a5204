#include "api/s3/conditions.hpp"

#include "api/objects/object_store.hpp"
#include "codec/text.hpp"

#include <string>

namespace troupe::s3 {

namespace {

std::string_view trim(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

result<std::optional<std::string>> one_tag(std::string_view header) {
  header = trim(header);
  if (header.empty()) return std::optional<std::string>{};
  if (header.find(',') != header.npos)
    return fail(ec::not_implemented, "A conditional write takes one ETag or *, not a list.");
  return std::optional{std::string{unquoted(header)}};
}

} // namespace

std::string_view unquoted(std::string_view etag) {
  etag = trim(etag);
  if (etag.starts_with("W/")) etag.remove_prefix(2);
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') etag = etag.substr(1, etag.size() - 2);
  return etag;
}

bool names_etag(std::string_view list, std::string_view etag) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    const auto one = trim(list.substr(0, comma));
    if (one == "*" || unquoted(one) == etag) return true;
    list = comma == list.npos ? std::string_view{} : list.substr(comma + 1);
  }
  return false;
}

verdict judge(const read_conditions& c, std::string_view etag, unix_ms modified_ms) {
  const auto modified_s = modified_ms / 1000;
  if (!c.if_match.empty()) {
    if (!names_etag(c.if_match, etag)) return verdict::precondition_failed;
  } else if (!c.if_unmodified_since.empty()) {
    const auto since = parse_http_date(c.if_unmodified_since);
    if (since && modified_s > *since / 1000) return verdict::precondition_failed;
  }
  if (!c.if_none_match.empty()) {
    if (names_etag(c.if_none_match, etag)) return verdict::not_modified;
  } else if (!c.if_modified_since.empty()) {
    const auto since = parse_http_date(c.if_modified_since);
    if (since && modified_s <= *since / 1000) return verdict::not_modified;
  }
  return verdict::proceed;
}

result<object_conditions> write_conditions(std::string_view if_match, std::string_view if_none_match) {
  auto match = one_tag(if_match);
  if (!match) return std::move(match).error();
  auto none = one_tag(if_none_match);
  if (!none) return std::move(none).error();
  return object_conditions{.if_match = std::move(*match), .if_none_match = std::move(*none)};
}

} // namespace troupe::s3
