#include "api/identity/entrance.hpp"

#include "api/http/failure.hpp"
#include "api/http/request.hpp"
#include "codec/uri.hpp"

#include <algorithm>

namespace troupe {

namespace {

bool shows_a_proof(const http::request& rq) {
  return rq.has_header("authorization") || rq.has_header("x-api-key") || rq.target().q("X-Amz-Algorithm") != nullptr;
}

// What x-amz-content-sha256 says; of a signed request that is signed by its value.
std::string declared_sha256(std::string_view declared) {
  std::string hash{declared};
  if (hash.empty() || hash == "UNSIGNED-PAYLOAD") return {};
  if (hash.size() != 64)
    throw http::api_error{ec::not_implemented,
      "x-amz-content-sha256 is the SHA-256 of the body here, or UNSIGNED-PAYLOAD, not " + hash.substr(0, 64)};
  std::ranges::transform(
    hash, hash.begin(), [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c; });
  return hash;
}

} // namespace

caller::caller(http::request& rq, const identity_gate& gate, authenticated from, bool must_cover_body)
    : rq_(&rq),
      gate_(&gate),
      who_(std::move(from.who)),
      sha256_(declared_sha256(
        from.signature ? std::string_view{from.signature->payload_hash} : rq.header("x-amz-content-sha256"))),
      must_cover_body_(must_cover_body && from.signature) {}

void caller::require(identity::action a, std::string_view bucket, std::string_view key) const {
  rq_->action = identity::to_string(a);
  if (!bucket.empty()) acts_on(bucket, key);
  if (gate_ != nullptr) http::must(gate_->authorise(who_, {.action = a, .bucket = bucket, .key = key}));
}

void caller::require_also(identity::action a, std::string_view bucket, std::string_view key) const {
  if (gate_ != nullptr && !gate_->allows(who_, {.action = a, .bucket = bucket, .key = key})) require(a, bucket, key);
}

void caller::acts_on(std::string_view bucket, std::string_view key) const {
  rq_->resource = "/" + std::string{bucket};
  if (!key.empty()) rq_->resource += "/" + percent_encode(key, true);
}

bool caller::is_shown(std::string_view bucket) const { return gate_ == nullptr || gate_->shows(who_, bucket); }

void caller::require_shown(std::string_view bucket) const {
  rq_->action = identity::to_string(identity::action::read);
  acts_on(bucket, {});
  if (!is_shown(bucket)) throw http::api_error{ec::access_denied, "who sent this may not know of that bucket"};
}

entrance::entrance(const identity_gate& gate, entrance_rules rules)
    : gate_(gate), rules_(std::move(rules)), who_sent_(gate, {.service = rules_.service, .region = {}}, rules_.path) {}

caller entrance::admit(http::request& rq) {
  if (rules_.open && !shows_a_proof(rq)) return caller{rq};
  auto from = who_sent_(rq);
  if (!from) { // of arguments handlers speak: this one is of the request's head
    auto e = std::move(from).error();
    throw http::api_error{e.code == ec::invalid_argument ? ec::invalid_request : e.code, std::move(e.message)};
  }
  if (from->signature && from->signature->presigned)
    throw http::api_error{ec::access_denied, "signatures are taken in headers here, not in URLs"};
  return caller{rq, gate_, std::move(*from), rules_.signed_bodies};
}

} // namespace troupe
