#include "api/s3/auth.hpp"

#include "api/http/request.hpp"
#include "api/s3/call.hpp"
#include "api/s3/errors.hpp"
#include "api/s3/surface.hpp"

#include <algorithm>
#include <array>

namespace troupe::s3 {

namespace {

constexpr std::array<std::string_view, 7> signature_parameters{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date",
  "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature", "X-Amz-Security-Token"};

bool is_hoisted(std::string_view name) {
  return name.size() > 6 && http::same_name(name.substr(0, 6), "x-amz-") &&
    std::ranges::find(signature_parameters, name) == signature_parameters.end();
}

} // namespace

sender_check::sender_check(const identity_gate& gate, std::string region)
    : region_(region), who_sent_(gate, {.service = "s3", .region = std::move(region)}) {}

sender sender_check::operator()(http::request& req) {
  auto found = who_sent_(req);
  if (!found) {
    s3_error e{found.error()};
    // What SDKs look for, to ask again with the right region.
    if (e.message.find("expecting '" + region_ + "'") != std::string::npos)
      throw std::move(e).with_element("Region", region_);
    throw e;
  }
  if (req.has_header("x-amz-security-token") || req.target().q("X-Amz-Security-Token") != nullptr)
    throw s3_error{
      codes::invalid_token, "Temporary credentials are not issued here: the request must not have a security token."};
  if (found->signature) return {.who = std::move(found->who), .signature = std::move(*found->signature)};
  sender s{.who = std::move(found->who), .signature = {}};
  const auto hash = req.header("x-amz-content-sha256");
  s.signature.payload_hash = hash.empty() ? std::string_view{"UNSIGNED-PAYLOAD"} : hash;
  if (s.signature.payload_hash.starts_with("STREAMING-AWS4-"))
    throw s3_error{ec::invalid_request, "A body with signed chunks needs a signed request."};
  return s;
}

namespace {

struct needed {
  identity::action action = identity::action::admin;
  bool listing = false; // of the names that begin with `prefix`
};

// Nothing: enough to know that the bucket is there.
std::optional<needed> need_of(operation op) {
  using identity::action;
  switch (op) {
  case operation::create_bucket:
  case operation::put_bucket_encryption:
  case operation::delete_bucket_encryption:
  case operation::delete_bucket: return needed{action::admin};
  case operation::list_objects:
  case operation::list_objects_v2:
  case operation::list_object_versions:
  case operation::list_multipart_uploads: return needed{action::list, true};
  case operation::list_parts: return needed{action::list};
  case operation::get_object:
  case operation::head_object:
  case operation::get_object_acl:
  case operation::get_object_attributes:
  case operation::get_object_tagging:
  case operation::get_object_lock_state: return needed{action::read};
  case operation::put_object:
  case operation::copy_object:
  case operation::create_multipart_upload:
  case operation::upload_part:
  case operation::upload_part_copy:
  case operation::complete_multipart_upload:
  case operation::abort_multipart_upload: return needed{action::write};
  case operation::delete_object: return needed{action::remove};
  case operation::list_buckets: // of those that may be seen
  case operation::delete_objects:
  case operation::head_bucket:
  case operation::get_bucket_location:
  case operation::not_configured:
  case operation::get_bucket_versioning:
  case operation::get_bucket_acl:
  case operation::get_bucket_request_payment:
  case operation::get_bucket_accelerate:
  case operation::get_bucket_logging:
  case operation::get_bucket_encryption:
  case operation::get_bucket_notification: return std::nullopt;
  case operation::not_implemented:
  case operation::cors_preflight: break; // answered before
  }
  return needed{action::admin};
}

} // namespace

void check_allowed(const call& c) {
  const auto need = need_of(c.where.op);
  if (need) {
    const auto prefix = need->listing ? c.query_or_empty("prefix") : std::string{};
    c.req.action = identity::to_string(need->action);
    check_allowed(c, need->action, c.where.bucket, need->listing ? std::string_view{prefix} : c.where.key);
    return;
  }
  c.req.action = identity::to_string(c.where.op == operation::delete_objects ? identity::action::remove
      : c.where.op == operation::list_buckets                                ? identity::action::list
                                                                             : identity::action::read);
  if (c.where.op != operation::list_buckets && !is_shown(c, c.where.bucket)) throw s3_error{ec::access_denied};
}

void check_allowed(const call& c, identity::action a, std::string_view bucket, std::string_view key) {
  if (!is_allowed(c, a, bucket, key)) throw s3_error{ec::access_denied};
}

bool is_allowed(const call& c, identity::action a, std::string_view bucket, std::string_view key) {
  return c.config.identity.allows(c.who, {.action = a, .bucket = bucket, .key = key});
}

bool is_shown(const call& c, std::string_view bucket) { return c.config.identity.shows(c.who, bucket); }

bool has_hoisted_headers(const http::request& req) {
  return std::ranges::any_of(req.target().query, [](const auto& p) { return is_hoisted(p.first); });
}

std::vector<http::header> with_hoisted_headers(const http::request& req) {
  std::vector<http::header> all(req.headers().begin(), req.headers().end());
  for (const auto& [name, value] : req.target().query)
    if (is_hoisted(name) && !req.has_header(name)) all.push_back({name, value});
  return all;
}

} // namespace troupe::s3
