#include "api/s3db/s3db.hpp"

#include "api/s3db/call.hpp"

#include <boost/json/serialize.hpp>

#include <array>

namespace troupe::s3db {

namespace {

void may_join(const call& c) { c.from.require(identity::action::admin, {}); }

using route = surface_route<call>;
constexpr std::array routes{
  route{"GET", "/status", "Probe", on_status, open_to_all},
  route{"GET", "/health", "Probe", on_health, open_to_all},
  route{"POST", "/v1/put/{table}/{key*}", "S3dbPut", on_put, may_write},
  route{"GET", "/v1/get/{table}/{key*}", "S3dbGet", on_get, may_read},
  route{"DELETE", "/v1/delete/{table}/{key*}", "S3dbDelete", on_delete, may_delete},
  route{"GET", "/v1/scan/{table}", "S3dbScan", on_scan, may_scan},
  route{"GET", "/v1/leader", "S3dbLeader", on_leader, handler_asks}, // no more than /status says
  route{"POST", "/v1/join", "S3dbJoin", on_join, may_join},
};

struct shape {
  int status;
  const char* name;
};
shape shape_of(ec code) {
  switch (code) {
  case ec::access_denied:
  case ec::authorization_header_malformed: // and whatever else is wrong with a proof
  case ec::authorization_query_parameters_error:
  case ec::content_sha256_mismatch:
  case ec::invalid_access_key_id:
  case ec::invalid_request:
  case ec::request_time_too_skewed:
  case ec::signature_does_not_match: return {403, "AccessDenied"};
  case ec::no_such_key: return {404, "KeyNotFound"};
  case ec::not_found: return {404, "NotFound"};
  case ec::method_not_allowed: return {405, "MethodNotAllowed"};
  case ec::request_timeout: return {408, "RequestTimeout"};
  case ec::conflict: return {409, "Conflict"};
  case ec::too_large: return {413, "TooLarge"};
  case ec::expectation_failed: return {417, "ExpectationFailed"};
  case ec::header_section_too_large: return {431, "HeadersTooLarge"};
  case ec::io_error:
  case ec::corrupt:
  case ec::internal: return {500, "InternalError"};
  case ec::not_implemented: return {501, "NotImplemented"};
  case ec::unavailable:
  case ec::not_leader:
  case ec::closed:
  case ec::slow_down: return {503, "Unavailable"};
  case ec::timeout: return {504, "Timeout"};
  case ec::http_version_not_supported: return {505, "HttpVersionNotSupported"};
  case ec::no_space: return {507, "InsufficientStorage"};
  default: return {400, "BadRequest"};
  }
}

} // namespace

http::handler make_handler(surface_context context) {
  entrance door{*context.identity,
    {.service = std::string{signed_service}, .path = http::signed_path::as_any_service, .signed_bodies = true}};
  return surface_handler(std::make_shared<shared_state>(std::move(context)), routes, std::move(door));
}

std::string render_error(
  const http::request*, const error& e, int& status, std::string_view request_id, std::string& content_type) {
  const auto what = shape_of(e.code);
  status = what.status;
  content_type = "application/json";
  return json::serialize(
           json::object{{"error", what.name}, {"message", e.message}, {"request_id", std::string{request_id}}}) +
    "\n";
}

} // namespace troupe::s3db
