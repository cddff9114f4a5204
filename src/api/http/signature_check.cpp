#include "api/http/signature_check.hpp"

#include "api/http/request.hpp"
#include "api/http/worker.hpp"

namespace troupe::http {

namespace {

constexpr std::size_t io_threads_max = 256; // beyond it signing keys are not cached

} // namespace

signature_check::signature_check(sigv4_rules rules, signed_path path)
    : rules_(std::move(rules)), path_(path), verifiers_(io_threads_max) {}

result<sigv4_identity> signature_check::operator()(const request& rq, const secret_lookup& secret_of, unix_ms now) {
  std::vector<header_view> headers;
  headers.reserve(rq.headers().size());
  for (const auto& h : rq.headers()) headers.push_back({h.name, h.value});
  sigv4_request view{.method = rq.method(), .path = rq.target().path, .query = rq.target().query, .headers = headers};
  const auto thread = static_cast<std::size_t>(rq.io().index());
  std::unique_ptr<sigv4_verifier> uncached;
  auto& verifier = thread < verifiers_.size() ? verifiers_[thread] : uncached;
  if (!verifier) verifier = std::make_unique<sigv4_verifier>(rules_);
  if (path_ == signed_path::as_any_service) {
    const bool once = rq.target().path.find('%') == std::string::npos;
    auto raw = rq.raw_target();
    view.path = raw.substr(0, raw.find('?'));
    auto who = verifier->verify(view, secret_of, now);
    if (who || who.error().code != ec::signature_does_not_match || !once) return who;
    view.path = rq.target().path;
  }
  return verifier->verify(view, secret_of, now);
}

} // namespace troupe::http
