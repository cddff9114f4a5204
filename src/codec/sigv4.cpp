// The canonicaliser and the client's side; the server's is sigv4_verify.cpp.
#include "codec/sigv4.hpp"

#include "codec/text.hpp"
#include "codec/uri.hpp"

#include <algorithm>

namespace troupe {
namespace {

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";

std::string lower(std::string_view s) {
  std::string out{s};
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    auto fold = [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : static_cast<int>(c); };
    return fold(x) == fold(y);
  });
}

// Trims, and makes each run of spaces one.
void append_value(std::string& out, std::string_view value) {
  auto space = [](char c) { return c == ' ' || c == '\t'; };
  while (!value.empty() && space(value.front())) value.remove_prefix(1);
  while (!value.empty() && space(value.back())) value.remove_suffix(1);
  auto previous = '\0';
  for (auto c : value) {
    if (c != ' ' || previous != ' ') out += c;
    previous = c;
  }
}

std::string canonical_query(std::span<const std::pair<std::string, std::string>> query, std::string_view omitted) {
  std::vector<std::pair<std::string, std::string>> encoded;
  encoded.reserve(query.size());
  for (auto& [name, value] : query)
    if (omitted.empty() || name != omitted)
      encoded.emplace_back(percent_encode(name, false), percent_encode(value, false));
  std::sort(encoded.begin(), encoded.end());
  std::string out;
  for (auto& [name, value] : encoded) {
    if (!out.empty()) out += '&';
    ((out += name) += '=') += value;
  }
  return out;
}

std::string sorted_names(std::span<const header_view> headers) {
  std::vector<std::string> names;
  for (auto& h : headers) names.push_back(lower(h.name));
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  std::string out;
  for (auto& name : names) {
    if (!out.empty()) out += ';';
    out += name;
  }
  return out;
}

std::string scope_of(const sigv4_credentials& who, std::string_view day) {
  std::string scope{day};
  ((((scope += '/') += who.region) += '/') += who.service) += "/aws4_request";
  return scope;
}

} // namespace

sha256_digest sigv4_signing_key(
  std::string_view secret, std::string_view day, std::string_view region, std::string_view service) {
  auto key = hmac_sha256(as_bytes("AWS4" + std::string{secret}), as_bytes(day));
  key = hmac_sha256(key, as_bytes(region));
  key = hmac_sha256(key, as_bytes(service));
  return hmac_sha256(key, as_bytes("aws4_request"));
}

std::string sigv4_canonical_request(const sigv4_request& request, std::string_view signed_headers,
  std::string_view payload_hash, std::string_view omitted) {
  std::string out;
  out.reserve(1024);
  ((out += request.method) += '\n') += percent_encode(request.path, true);
  ((out += '\n') += canonical_query(request.query, omitted)) += '\n';
  for (auto rest = signed_headers; !rest.empty();) {
    auto end = rest.find(';');
    auto name = rest.substr(0, end);
    rest = end == rest.npos ? std::string_view{} : rest.substr(end + 1);
    (out += name) += ':';
    auto first = true;
    for (auto& h : request.headers) {
      if (!same_name(h.name, name)) continue;
      if (!first) out += ',';
      first = false;
      append_value(out, h.value);
    }
    out += '\n';
  }
  (((out += '\n') += signed_headers) += '\n') += payload_hash;
  return out;
}

std::string sigv4_signature(
  const sha256_digest& key, std::string_view amz_date, std::string_view scope, std::string_view canonical_request) {
  std::string text{algorithm};
  (((text += '\n') += amz_date) += '\n') += scope;
  (text += '\n') += hex_encode(sha256(as_bytes(canonical_request)));
  return hex_encode(hmac_sha256(key, as_bytes(text)));
}

std::vector<std::pair<std::string, std::string>> sign(
  const sigv4_request& request, const sigv4_credentials& who, std::string_view payload_hash, unix_ms now) {
  auto amz_date = format_amz_date(now);
  std::vector<std::pair<std::string, std::string>> added;
  auto given = [&](std::string_view name) {
    return std::any_of(
      request.headers.begin(), request.headers.end(), [&](auto& h) { return same_name(h.name, name); });
  };
  if (!given("x-amz-date")) added.emplace_back("x-amz-date", amz_date);
  if (!given("x-amz-content-sha256")) added.emplace_back("x-amz-content-sha256", payload_hash);
  std::vector<header_view> headers{request.headers.begin(), request.headers.end()};
  for (auto& [name, value] : added) headers.push_back({name, value});

  auto whole = request;
  whole.headers = headers;
  auto names = sorted_names(headers);
  auto day = std::string_view{amz_date}.substr(0, 8);
  auto scope = scope_of(who, day);
  auto key = sigv4_signing_key(who.secret_key, day, who.region, who.service);
  auto signature = sigv4_signature(key, amz_date, scope, sigv4_canonical_request(whole, names, payload_hash));
  std::string authorization{algorithm};
  ((((authorization += " Credential=") += who.access_key) += '/') += scope) += ", SignedHeaders=";
  ((authorization += names) += ", Signature=") += signature;
  added.emplace_back("Authorization", std::move(authorization));
  return added;
}

std::string presign(const sigv4_request& request, const sigv4_credentials& who, std::int64_t expires_s, unix_ms now) {
  auto amz_date = format_amz_date(now);
  auto day = std::string_view{amz_date}.substr(0, 8);
  auto scope = scope_of(who, day);
  auto names = sorted_names(request.headers);
  std::vector<std::pair<std::string, std::string>> query{request.query.begin(), request.query.end()};
  query.emplace_back("X-Amz-Algorithm", algorithm);
  query.emplace_back("X-Amz-Credential", std::string{who.access_key} + "/" + scope);
  query.emplace_back("X-Amz-Date", amz_date);
  query.emplace_back("X-Amz-Expires", std::to_string(expires_s));
  query.emplace_back("X-Amz-SignedHeaders", names);
  auto whole = request;
  whole.query = query;
  auto key = sigv4_signing_key(who.secret_key, day, who.region, who.service);
  auto signature = sigv4_signature(key, amz_date, scope, sigv4_canonical_request(whole, names, "UNSIGNED-PAYLOAD"));
  return canonical_query(query, {}) + "&X-Amz-Signature=" + signature;
}

} // namespace troupe
