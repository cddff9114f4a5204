#include "api/s3/auth.hpp"

#include "api/http/request.hpp"
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

authenticator::authenticator(std::string region) : signatures_({.service = "s3", .region = std::move(region)}) {}

identity authenticator::check(const http::request& req, const surface_config& config) {
  auto who = signatures_(req, config.secret_of, config.clock.now());
  if (!who) {
    s3_error e{who.error()};
    // What SDKs look for, to ask again with the right region.
    if (e.message.find("expecting '" + config.region + "'") != std::string::npos)
      throw std::move(e).with_element("Region", config.region);
    throw e;
  }
  if (req.has_header("x-amz-security-token") || req.target().q("X-Amz-Security-Token") != nullptr)
    throw s3_error{
      codes::invalid_token, "Temporary credentials are not issued here: the request must not have a security token."};
  return std::move(*who);
}

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
