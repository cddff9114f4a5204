#include "api/s3/headers.hpp"

#include "api/http/response.hpp"
#include "api/s3/errors.hpp"
#include "codec/checksum_set.hpp"
#include "codec/text.hpp"
#include "codec/uri.hpp"

#include <algorithm>
#include <array>

namespace troupe::s3 {

namespace {

using http::same_name;

constexpr std::string_view meta_prefix = "x-amz-meta-";

constexpr std::array<std::string_view, 6> content_headers{
  "Content-Type", "Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Expires"};

std::string lower(std::string_view s) {
  std::string out{s};
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  return out;
}

std::string_view trim(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

bool begins(std::string_view s, std::string_view with) {
  return s.size() >= with.size() && same_name(s.substr(0, with.size()), with);
}

// aws-chunked is how the body travelled, not what the object is.
std::string without_aws_chunked(std::string_view value) {
  std::string kept;
  for (auto rest = value;;) {
    const auto comma = rest.find(',');
    const auto one = trim(rest.substr(0, comma));
    if (!one.empty() && !same_name(one, "aws-chunked")) {
      if (!kept.empty()) kept += ',';
      kept += one;
    }
    if (comma == rest.npos) return kept;
    rest = rest.substr(comma + 1);
  }
}

void add(name_values& to, std::string name, std::string value) {
  for (auto& [n, v] : to)
    if (n == name) {
      (v += ',') += value; // one header sent twice, as RFC 9110 joins it
      return;
    }
  to.emplace_back(std::move(name), std::move(value));
}

struct refusal {
  std::string_view name; // ending in '*': all that begin so
  std::string_view why;
  std::array<std::string_view, 2> harmless{}; // values that ask for what is true anyway
};
constexpr std::array refusals{
  refusal{"x-amz-server-side-encryption", "Server-side encryption other than AES256", {"AES256", ""}},
  refusal{"x-amz-server-side-encryption-*", "Server-side encryption with keys of the client's or of KMS"},
  refusal{"x-amz-copy-source-server-side-encryption*", "Server-side encryption"},
  refusal{"x-amz-object-lock-*", "Object Lock"},
  refusal{"x-amz-bucket-object-lock-enabled", "Object Lock", {"false", "False"}},
  refusal{"x-amz-acl", "An access control list other than private", {"private", "bucket-owner-full-control"}},
  refusal{"x-amz-grant-*", "Granting access by header"},
  refusal{"x-amz-object-ownership", "An object ownership other than BucketOwnerEnforced", {"BucketOwnerEnforced", ""}},
  refusal{"x-amz-website-redirect-location", "Website hosting"},
  refusal{"x-amz-write-offset-bytes", "Appending to an object"},
  refusal{"x-amz-if-match-last-modified-time", "Deleting by modification time"},
  refusal{"x-amz-if-match-size", "Deleting by size"},
};

} // namespace

object_headers read_object_headers(std::span<const http::header> headers) {
  object_headers out;
  std::size_t metadata_bytes = 0;
  for (const auto& h : headers) {
    if (begins(h.name, meta_prefix) && h.name.size() > meta_prefix.size()) {
      auto name = lower(h.name.substr(meta_prefix.size()));
      auto value = decode_words(h.value);
      metadata_bytes += name.size() + value.size();
      if (metadata_bytes > metadata_bytes_max) throw s3_error{ec::metadata_too_large};
      add(out.metadata, std::move(name), std::move(value));
      continue;
    }
    const auto known = std::ranges::find_if(content_headers, [&](auto n) { return same_name(n, h.name); });
    if (known == content_headers.end() || h.value.empty()) continue;
    auto value = *known == "Content-Encoding" ? without_aws_chunked(h.value) : std::string{h.value};
    if (!valid_utf8(value))
      throw s3_error{ec::invalid_argument, "The value of " + std::string{*known} + " is not valid UTF-8."};
    if (!value.empty()) add(out.headers, std::string{*known}, std::move(value));
  }
  if (std::ranges::none_of(out.headers, [](const auto& h) { return h.first == "Content-Type"; }))
    out.headers.emplace_back("Content-Type", "binary/octet-stream");
  return out;
}

std::string read_storage_class(std::string_view header) {
  if (header.empty() || header == "STANDARD") return {};
  if (header == "REDUCED_REDUNDANCY") return std::string{header};
  throw s3_error{codes::invalid_storage_class};
}

std::optional<durability> read_durability(std::string_view header) {
  if (header.empty()) return std::nullopt;
  auto wanted = durability_named(header);
  if (!wanted) throw s3_error{ec::invalid_argument, "x-troupe-durability: " + wanted.error().message + "."};
  return *wanted;
}

name_values read_tags(std::string_view header) {
  name_values tags;
  while (!header.empty()) {
    const auto amp = header.find('&');
    const auto pair = header.substr(0, amp);
    header = amp == header.npos ? std::string_view{} : header.substr(amp + 1);
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    auto name = percent_decode(pair.substr(0, equals), true);
    auto value = equals == pair.npos ? std::optional{std::string{}} : percent_decode(pair.substr(equals + 1), true);
    if (!name || !value || !valid_utf8(*name) || !valid_utf8(*value))
      throw s3_error{ec::invalid_argument,
        "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name "
        "duplicates."};
    // S3's limits are in characters, not bytes.
    auto characters = [](std::string_view s) {
      return std::ranges::count_if(s, [](char c) { return (c & 0xc0) != 0x80; });
    };
    if (name->empty() || characters(*name) > 128)
      throw s3_error{codes::invalid_tag, "The TagKey you have provided is invalid"};
    if (characters(*value) > 256) throw s3_error{codes::invalid_tag, "The TagValue you have provided is invalid"};
    if (std::ranges::any_of(tags, [&](const auto& t) { return t.first == *name; }))
      throw s3_error{codes::invalid_tag, "Cannot provide multiple Tags with the same key"};
    tags.emplace_back(std::move(*name), std::move(*value));
    if (tags.size() > 10) throw s3_error{codes::bad_tags};
  }
  return tags;
}

void refuse_unsupported(std::span<const http::header> headers) {
  for (const auto& h : headers) {
    if (!begins(h.name, "x-amz-")) continue;
    for (const auto& r : refusals) {
      const bool prefix = r.name.ends_with('*');
      const bool hit = prefix ? begins(h.name, r.name.substr(0, r.name.size() - 1)) : same_name(h.name, r.name);
      if (!hit) continue;
      if (!prefix && std::ranges::find(r.harmless, h.value) != r.harmless.end()) continue;
      throw s3_error{ec::not_implemented, std::string{r.why} + " is not implemented (header " + lower(h.name) + ")."};
    }
  }
}

bool wants_encryption(std::string_view header) { return header == "AES256"; } // others were refused

void set_encryption_header(http::response& res, bool encrypted) {
  if (encrypted) res.set("x-amz-server-side-encryption", "AES256");
}

void set_object_headers(http::response& res, const pb::object_record& record) {
  res.set("Last-Modified", format_http_date(record.modified_ms())).set("ETag", quoted(record.etag()));
  res.set("Accept-Ranges", "bytes");
  for (const auto& h : record.headers()) res.set(h.name(), h.value());
  for (const auto& m : record.metadata()) res.set(std::string{meta_prefix} + m.name(), encode_word(m.value()));
  if (!record.storage_class().empty() && record.storage_class() != "STANDARD")
    res.set("x-amz-storage-class", record.storage_class());
  set_encryption_header(res, record.has_sealing());
  if (record.tags_size() != 0) res.set("x-amz-tagging-count", std::to_string(record.tags_size()));
}

void set_checksum_header(http::response& res, const pb::checksum& c, bool with_type) {
  res.set("x-amz-checksum-" + lower(c.algorithm()), c.value());
  if (with_type) res.set("x-amz-checksum-type", c.composite() ? "COMPOSITE" : "FULL_OBJECT");
}

std::string quoted(std::string_view etag) {
  std::string q;
  q.reserve(etag.size() + 2);
  ((q += '"') += etag) += '"';
  return q;
}

} // namespace troupe::s3
