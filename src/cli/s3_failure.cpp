#include "cli/s3_failure.hpp"

#include "cli/s3_xml.hpp"

#include <array>
#include <cstdio>
#include <utility>

namespace troupe::cli {

namespace {

constexpr std::array known{
  std::pair{std::string_view{"NoSuchBucket"}, ec::no_such_bucket},
  std::pair{std::string_view{"NoSuchKey"}, ec::no_such_key},
  std::pair{std::string_view{"NoSuchUpload"}, ec::no_such_upload},
  std::pair{std::string_view{"AccessDenied"}, ec::access_denied},
  std::pair{std::string_view{"InvalidAccessKeyId"}, ec::invalid_access_key_id},
  std::pair{std::string_view{"SignatureDoesNotMatch"}, ec::signature_does_not_match},
  std::pair{std::string_view{"RequestTimeTooSkewed"}, ec::request_time_too_skewed},
  std::pair{std::string_view{"BucketNotEmpty"}, ec::bucket_not_empty},
  std::pair{std::string_view{"BucketAlreadyExists"}, ec::bucket_already_exists},
  std::pair{std::string_view{"BucketAlreadyOwnedByYou"}, ec::bucket_already_owned_by_you},
  std::pair{std::string_view{"InvalidBucketName"}, ec::invalid_bucket_name},
  std::pair{std::string_view{"PreconditionFailed"}, ec::precondition_failed},
  std::pair{std::string_view{"BadDigest"}, ec::bad_digest},
  std::pair{std::string_view{"EntityTooLarge"}, ec::entity_too_large},
  std::pair{std::string_view{"SlowDown"}, ec::slow_down},
  std::pair{std::string_view{"NotImplemented"}, ec::not_implemented},
};

} // namespace

ec code_named(std::string_view s3_code) noexcept {
  for (const auto& [name, code] : known)
    if (name == s3_code) return code;
  return ec::bad_request;
}

std::string_view words_of_status(int status) noexcept {
  switch (status) {
  case 400: return "Bad Request";
  case 401: return "Unauthorized";
  case 403: return "Forbidden";
  case 404: return "Not Found: no such object or bucket";
  case 405: return "Method Not Allowed";
  case 409: return "Conflict";
  case 412: return "Precondition Failed";
  case 416: return "Range Not Satisfiable";
  case 429: return "Too Many Requests";
  case 500: return "Internal Server Error";
  case 501: return "Not Implemented";
  case 502: return "Bad Gateway";
  case 503: return "Service Unavailable";
  case 507: return "Insufficient Storage";
  default: return "unexpected answer";
  }
}

ec code_of_status(int status) noexcept {
  switch (status) {
  case 401:
  case 403: return ec::access_denied;
  case 404: return ec::not_found;
  case 409: return ec::conflict;
  case 412: return ec::precondition_failed;
  case 429:
  case 503: return ec::slow_down;
  case 501: return ec::not_implemented;
  case 507: return ec::no_space;
  default: return status >= 500 ? ec::unavailable : ec::bad_request;
  }
}

std::string printable(std::string_view s) {
  std::string out{s.substr(0, 1000)};
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return out;
}

error failure_of(int status, std::string_view body, std::string_view request_id) {
  const auto fault = parse_fault(body);
  auto code = code_of_status(status);
  std::string message;
  if (fault) {
    if (const auto named = code_named(fault->code); named != ec::bad_request) code = named;
    message = printable(fault->code) + ": " + printable(fault->message);
    if (request_id.empty()) request_id = fault->request_id;
  } else {
    message = "HTTP " + std::to_string(status) + " " + std::string{words_of_status(status)};
  }
  if (!request_id.empty()) message += " (request id " + printable(request_id) + ")";
  return fail(code, std::move(message));
}

std::string_view https_hint_for(const error& e) noexcept {
  if (e.message.find("to an HTTPS server") == std::string::npos) return {};
  return "give the address with https://, and its certificate authority with --ca-cert or TROUPE_CA_CERT";
}

std::string_view hint_for(const error& e) noexcept {
  switch (e.code) {
  case ec::no_such_bucket:
    return "make it with `troupe storage mb BUCKET`, or see what there is with `troupe storage ls`";
  case ec::no_such_key:
  case ec::not_found: return "see what there is with `troupe storage ls BUCKET/PREFIX`";
  case ec::bucket_not_empty: return "`troupe storage rb --force BUCKET` removes what is in it first";
  case ec::access_denied: return "check the access key, and what it may do with this bucket";
  case ec::invalid_access_key_id:
  case ec::signature_does_not_match:
    return "check --access-key and --secret-key, TROUPE_ACCESS_KEY and TROUPE_SECRET_KEY, or the credentials file in "
           "--data";
  case ec::request_time_too_skewed:
    return "set this machine's clock: it differs from the server's by more than 15 minutes";
  case ec::unavailable:
    return "is the server running there? Check --endpoint or TROUPE_ENDPOINT; `troupe dev` starts one";
  case ec::slow_down: return "the server is busy: try again, or with less --parallel";
  case ec::no_space: return "the store is full: remove objects or add a node";
  case ec::timeout: return "the server did not answer in time: check the network, then try again";
  case ec::precondition_failed: return "the object changed meanwhile: try again";
  case ec::bad_digest: return "the content was damaged on its way: try again";
  case ec::invalid_bucket_name: return "3 to 63 of a-z, 0-9, '-' and '.', beginning and ending with a letter or digit";
  case ec::bad_request: return https_hint_for(e);
  default: return {};
  }
}

int report_failure(std::string_view what, const error& e) { return report_failure(what, e, hint_for(e)); }

int report_failure(std::string_view what, const error& e, std::string_view hint) {
  std::string text = "troupe: " + std::string{what} + ": " + e.message + "\n";
  if (!hint.empty()) (text += "  hint: ") += std::string{hint} + "\n";
  std::fputs(text.c_str(), stderr);
  return 1;
}

} // namespace troupe::cli
