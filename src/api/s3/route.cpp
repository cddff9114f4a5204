#include "api/s3/route.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <utility>

namespace troupe::s3 {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::ranges::equal(a, b, {}, lower, lower);
}
bool begins(std::string_view s, std::string_view with) {
  return s.size() >= with.size() && same(s.substr(0, with.size()), with);
}
bool ends(std::string_view s, std::string_view with) {
  return s.size() >= with.size() && same(s.substr(s.size() - with.size()), with);
}

// Without port, and without the dot of a fully qualified name.
std::string_view host_name(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']'));
  host = host.substr(0, host.rfind(':'));
  if (host.ends_with('.')) host.remove_suffix(1);
  return host;
}

// Empty for path style. A host that is a domain itself is path style even when it is also below a shorter one.
std::string_view bucket_of_host(std::string_view host, std::span<const std::string> domains) {
  const auto name = host_name(host);
  std::size_t longest = 0;
  for (const auto& d : domains) {
    if (same(name, d)) return {};
    if (name.size() > d.size() + 1 && name[name.size() - d.size() - 1] == '.' && ends(name, d))
      longest = std::max(longest, d.size());
  }
  return longest == 0 ? std::string_view{} : name.substr(0, name.size() - longest - 1);
}

// Parameters that qualify an operation and never choose one. Anything that begins with x- or X-Amz- is also fine: S3
// lets clients add x-... for their logs, and presigned URLs carry X-Amz-....
constexpr std::array<std::string_view, 33> qualifiers{"partNumber", "versionId", "prefix", "delimiter", "marker",
  "max-keys", "encoding-type", "continuation-token", "start-after", "fetch-owner", "key-marker", "version-id-marker",
  "max-uploads", "upload-id-marker", "max-parts", "part-number-marker", "max-buckets", "bucket-region", "select-type",
  "id", "bypass-governance-retention", "response-content-type", "response-content-language", "response-expires",
  "response-cache-control", "response-content-disposition", "response-content-encoding",
  // SigV2, so that it is told what is wrong with it
  "AWSAccessKeyId", "Signature", "Expires",
  // Sent by SDKs with an empty or fixed value
  "allow-unordered", "output", "mfa"};

bool is_qualifier(std::string_view name) {
  return begins(name, "x-") || std::ranges::find(qualifiers, name) != qualifiers.end();
}

bool is_sub_resource(std::string_view name) {
  return std::ranges::any_of(route_rows(), [&](const auto& r) { return !r.parameter.empty() && r.parameter == name; });
}

const route_row* find_row(level at, std::string_view method, std::string_view parameter) {
  for (const auto& r : route_rows())
    if (r.at == at && r.parameter == parameter && r.method == method) return &r;
  return nullptr;
}

bool has(query_view query, std::string_view name) {
  return std::ranges::any_of(query, [&](const auto& p) { return p.first == name; });
}

// The one sub-resource of the query; empty for none.
result<std::string_view> sub_resource(query_view query) {
  std::string_view found;
  for (const auto& [name, value] : query) {
    if (!is_sub_resource(name) || name == found) continue;
    if (!found.empty())
      return fail(ec::invalid_argument, "Conflicting query string parameters: " + std::string{found} + ", " + name);
    found = name;
  }
  return found;
}

} // namespace

address find_address(std::string_view host, std::string_view path, std::span<const std::string> domains) {
  if (path.starts_with('/')) path.remove_prefix(1);
  if (const auto bucket = bucket_of_host(host, domains); !bucket.empty()) return {bucket, path};
  const auto slash = path.find('/');
  if (slash == path.npos) return {path, {}};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

result<route> find_route(const route_input& in) {
  const auto where = find_address(in.host, in.path, in.domains);
  route r{.bucket = where.bucket, .key = where.key};
  if (in.method == "OPTIONS") {
    r.op = operation::cors_preflight;
    r.name = "PreflightRequest";
    return r;
  }
  const auto at = where.bucket.empty() ? level::service : where.key.empty() ? level::bucket : level::object;
  if (where.bucket.empty() && !where.key.empty()) return fail(ec::invalid_bucket_name, {}); // "//key"
  std::string_view parameter;
  if (!in.query.empty()) {
    auto sub = sub_resource(in.query);
    if (!sub) return std::move(sub).error();
    parameter = *sub;
  }
  const bool writes = in.method != "GET" && in.method != "HEAD";
  if (writes)
    for (const auto& [name, value] : in.query)
      if (name != parameter && !is_qualifier(name))
        return fail(ec::not_implemented, "The query parameter '" + name + "' names nothing that is implemented.");
  const auto* row = find_row(at, in.method, parameter);
  // list-type=1 is not a thing; what S3 does with it is the older listing.
  if (row != nullptr && row->op == operation::list_objects_v2 &&
    !std::ranges::any_of(in.query, [](const auto& p) { return p.first == "list-type" && p.second == "2"; }))
    row = find_row(at, in.method, {});
  if (row == nullptr) return fail(ec::method_not_allowed, {});
  r.op = row->op;
  r.name = row->name;
  r.absent = row->absent;
  if (at == level::object && in.method == "PUT") {
    if (has(in.query, "partNumber") != (parameter == "uploadId") && (parameter.empty() || parameter == "uploadId"))
      return fail(ec::invalid_argument, "partNumber and uploadId must be given together.");
    if (in.has_copy_source && r.op == operation::put_object) r.op = operation::copy_object, r.name = "CopyObject";
    if (in.has_copy_source && r.op == operation::upload_part)
      r.op = operation::upload_part_copy, r.name = "UploadPartCopy";
  }
  return r;
}

} // namespace troupe::s3
