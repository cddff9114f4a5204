#include "cli/console_failure.hpp"

#include "cli/s3_failure.hpp"

#include <boost/json/parse.hpp>

#include <optional>
#include <string>

namespace troupe::cli {

namespace json = boost::json;

namespace {

std::optional<ec> code_called(std::string_view name) {
  if (name == "unknown") return std::nullopt;
  for (int i = 1; i < 256; ++i)
    if (auto code = static_cast<ec>(i); to_string(code) == name) return code;
  return std::nullopt; // of a newer server
}

std::string text_in(const json::object& o, const char* name) {
  const auto* value = o.if_contains(name);
  return value != nullptr && value->is_string() ? printable(value->get_string()) : std::string{};
}

} // namespace

error console_failure_of(int status, std::string_view body) {
  json::error_code bad;
  auto value = json::parse(body, bad);
  const auto* fault =
    !bad && value.is_object() ? value.get_object().if_contains("error") : static_cast<json::value*>(nullptr);
  if (fault == nullptr || !fault->is_object())
    return fail(code_of_status(status), "HTTP " + std::to_string(status) + " " + std::string{words_of_status(status)});
  const auto& o = fault->get_object();
  auto message = text_in(o, "message");
  if (auto id = text_in(o, "request_id"); !id.empty()) message += " (request id " + id + ")";
  return fail(code_called(text_in(o, "code")).value_or(code_of_status(status)), std::move(message));
}

std::string_view console_hint_for(const error& e) noexcept {
  switch (e.code) {
  case ec::not_found: return "see what there is with `troupe admin nodes`, or `troupe admin volumes`";
  case ec::no_such_bucket:
  case ec::no_such_key: return "see what there is with `troupe storage ls`";
  case ec::access_denied:
  case ec::invalid_access_key_id:
  case ec::signature_does_not_match:
    return "sign with a key that may (root's, or a user's with the role): --access-key and --secret-key, "
           "TROUPE_ACCESS_KEY and TROUPE_SECRET_KEY, or "
           "the "
           "credentials file in --data";
  case ec::request_time_too_skewed:
    return "set this machine's clock: it differs from the server's by more than 15 minutes";
  case ec::unavailable:
    return "is the server running there? Check --connect or TROUPE_CONSOLE; it prints `console=HOST:PORT` when it "
           "starts";
  case ec::bad_request: return https_hint_for(e);
  case ec::timeout: return "see what has become of it with `troupe admin status`, then try again";
  default: return {};
  }
}

} // namespace troupe::cli
