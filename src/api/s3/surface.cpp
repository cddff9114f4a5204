#include "api/s3/surface.hpp"

#include "api/http/request.hpp"
#include "api/http/response.hpp"
#include "api/s3/auth.hpp"
#include "api/s3/call.hpp"
#include "api/s3/errors.hpp"
#include "api/s3/headers.hpp"
#include "api/s3/names.hpp"
#include "api/s3/route.hpp"

namespace troupe::s3 {

namespace {

struct shared_state {
  explicit shared_state(surface_config c) : config(std::move(c)), authentication(config.identity, config.region) {}
  surface_config config;
  sender_check authentication;
};

http::task<> dispatch(call& c) {
  switch (c.where.op) {
  case operation::list_buckets: return on_list_buckets(c);
  case operation::create_bucket: return on_create_bucket(c);
  case operation::delete_bucket: return on_delete_bucket(c);
  case operation::head_bucket: return on_head_bucket(c);
  case operation::get_bucket_location: return on_get_bucket_location(c);
  case operation::not_configured:
  case operation::get_bucket_versioning:
  case operation::get_bucket_acl:
  case operation::get_bucket_request_payment:
  case operation::get_bucket_accelerate:
  case operation::get_bucket_logging:
  case operation::get_bucket_notification: return on_bucket_configuration(c);
  case operation::list_objects:
  case operation::list_objects_v2: return on_list_objects(c);
  case operation::list_object_versions: return on_list_object_versions(c);
  case operation::list_multipart_uploads: return on_list_multipart_uploads(c);
  case operation::get_bucket_encryption: return on_get_bucket_encryption(c);
  case operation::put_bucket_encryption: return on_put_bucket_encryption(c);
  case operation::delete_bucket_encryption: return on_delete_bucket_encryption(c);
  case operation::delete_objects: return on_delete_objects(c);
  case operation::get_object:
  case operation::head_object: return on_get_object(c);
  case operation::put_object: return on_put_object(c);
  case operation::copy_object: return on_copy_object(c);
  case operation::delete_object: return on_delete_object(c);
  case operation::get_object_acl: return on_get_object_acl(c);
  case operation::get_object_attributes: return on_get_object_attributes(c);
  case operation::get_object_tagging: return on_get_object_tagging(c);
  case operation::get_object_lock_state: return on_get_object_lock_state(c);
  case operation::create_multipart_upload: return on_create_multipart_upload(c);
  case operation::upload_part: return on_upload_part(c);
  case operation::upload_part_copy: return on_upload_part_copy(c);
  case operation::complete_multipart_upload: return on_complete_multipart_upload(c);
  case operation::abort_multipart_upload: return on_abort_multipart_upload(c);
  case operation::list_parts: return on_list_parts(c);
  case operation::not_implemented:
  case operation::cors_preflight: break; // answered before
  }
  throw s3_error{ec::not_implemented, std::string{c.where.name} + " is not implemented."};
}

void check_expected_owner(const call& c) {
  for (const auto* name : {"x-amz-expected-bucket-owner", "x-amz-source-expected-bucket-owner"})
    if (const auto owner = c.header(name); !owner.empty() && owner != c.config.owner_id)
      throw s3_error{ec::access_denied};
}

http::task<> serve(shared_state& shared, http::request& req, http::response& res) {
  auto& config = shared.config;
  auto found = find_route({.method = req.method(),
    .host = req.host(),
    .path = req.target().path,
    .query = req.target().query,
    .has_copy_source = req.has_header("x-amz-copy-source"),
    .domains = config.domains});
  if (found) {
    req.operation = found->name;
    if (found->op == operation::cors_preflight) throw s3_error{codes::cors_forbidden};
    // A browser's POST policy form carries its signature in the form: told what is missing, not that it is anonymous.
    if (found->op == operation::not_implemented && !req.has_header("Authorization") && req.method() == "POST")
      throw s3_error{ec::not_implemented, std::string{found->name} + " is not implemented."};
  }
  auto from = shared.authentication(req);
  auto where = must(std::move(found));
  if (where.op == operation::not_implemented)
    throw s3_error{ec::not_implemented, std::string{where.name} + " is not implemented."};
  if (!where.bucket.empty()) must(check_bucket_name(where.bucket));
  if (!where.key.empty()) must(check_key(where.key));
  std::vector<http::header> hoisted;
  if (from.signature.presigned && has_hoisted_headers(req)) hoisted = with_hoisted_headers(req);
  const auto headers = hoisted.empty() ? req.headers() : std::span<const http::header>{hoisted};
  refuse_unsupported(headers);
  if (const auto* version = req.target().q("versionId"); version != nullptr && !where.key.empty())
    must(check_version_id(*version));
  call c{.config = config,
    .req = req,
    .res = res,
    .store = config.store_of(req),
    .where = where,
    .signature = std::move(from.signature),
    .who = std::move(from.who),
    .headers = headers};
  check_allowed(c);
  check_expected_owner(c);
  co_await dispatch(c);
}

std::string xml_of(
  const surface_config& config, const http::request* req, const s3_error& e, std::string_view request_id) {
  error_context context{.request_id = request_id, .host_id = config.host_id};
  if (req != nullptr) {
    const auto where = find_address(req->host(), req->target().path, config.domains);
    context.resource = req->target().path;
    context.bucket = where.bucket;
    context.key = where.key;
  }
  return error_xml(e, context);
}

// Nothing has been sent yet.
http::task<> answer_error(const surface_config& config, http::request& req, http::response& res, const s3_error& e) {
  res.status = e.what_is.status;
  for (const auto& [name, value] : e.headers) res.set(name, value);
  if (res.status == 503) res.set("Retry-After", "1");
  if (req.content().chunked() && !req.content().done()) res.close = true; // who knows how much follows
  std::string body;
  if (res.status != 304 && req.method() != "HEAD") {
    res.set("Content-Type", "application/xml");
    body = xml_of(config, &req, e, req.id());
  }
  co_await res.send(body);
}

} // namespace

struct surface::state : shared_state {
  using shared_state::shared_state;
};

surface::surface(surface_config config) : state_(std::make_shared<state>(std::move(config))) {}

http::handler surface::handler() const {
  return [shared = state_](http::request& req, http::response& res) -> http::task<> {
    std::optional<s3_error> failed; // co_await is not allowed in a catch block
    res.set("x-amz-id-2", shared->config.host_id);
    try {
      co_await serve(*shared, req, res);
    } catch (const s3_error& e) { failed = e; } catch (const http::api_error& e) {
      failed.emplace(e.code, e.message);
    }
    if (!failed) co_return;
    // Too late to say so: the server cuts the connection, so that what was sent does not look whole.
    if (res.started()) throw http::api_error{ec::internal, std::string{failed->what_is.code} + ": " + failed->message};
    co_await answer_error(shared->config, req, res, *failed);
  };
}

std::string surface::render_error(
  const http::request* req, const error& e, int& status, std::string_view request_id, std::string& content_type) const {
  const s3_error answer{e};
  status = answer.what_is.status;
  content_type = "application/xml";
  return xml_of(state_->config, req, answer, request_id);
}

} // namespace troupe::s3
