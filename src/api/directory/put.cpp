// PUT /put.
#include "api/directory/call.hpp"
#include "api/directory/put_request.hpp"
#include "codec/digest.hpp"
#include "codec/text.hpp"

namespace troupe::directory {

namespace {

// Chunked bodies have no length beforehand: the bound is on what comes.
http::task<std::string> whole_body(call& c) {
  const auto length = c.rq.content().length();
  if (length && *length > put_body_bytes_max)
    throw http::api_error{ec::too_large, "body: at most " + std::to_string(put_body_bytes_max) + " bytes"};
  std::string all(length ? static_cast<std::size_t>(*length) : put_body_bytes_max + 1, '\0');
  const auto n = co_await http::read_full(c.rq.content(), {reinterpret_cast<std::byte*>(all.data()), all.size()});
  if (n > put_body_bytes_max)
    throw http::api_error{ec::too_large, "body: at most " + std::to_string(put_body_bytes_max) + " bytes"};
  all.resize(n);
  if (!c.signed_sha256.empty() && hex_encode(bytes_view{sha256(as_bytes(all))}) != c.signed_sha256)
    throw http::api_error{ec::content_sha256_mismatch, "x-amz-content-sha256 is not the SHA-256 of the body"};
  co_return all;
}

} // namespace

http::task<> on_put(call& c) {
  const auto length = c.rq.content().length().value_or(put_body_bytes_max);
  const memory_bound::hold memory{
    c.shared.memory, static_cast<std::size_t>(std::min<std::uint64_t>(length, put_body_bytes_max)) * 2};
  const auto body = co_await whole_body(c);
  const auto& target = c.rq.target();
  auto request = must(parse_put_request({.query_key = target.q("key"),
    .query_value = target.q("value"),
    .content_type = c.rq.header("Content-Type"),
    .body = body}));
  auto keys = c.make_keys();
  if (c.bucket) {
    const auto at = must(co_await keys.find(request.key));
    if (at.home.id != *c.bucket)
      throw http::api_error{ec::conflict,
        "the key " + request.key + " belongs to bucket " + std::to_string(at.home.id) + " of " +
          std::to_string(at.layout.buckets()) + ", not to " + std::to_string(*c.bucket)};
  }
  const auto done = must(co_await keys.put(request.key, request.value));
  const auto digest = directory_digest(request.key);
  json::object out{{"key", std::move(request.key)}, {"value", std::move(request.value)},
    {"action", done.created ? "created" : "updated"}};
  if (!c.bucket) {
    out["bucket_id"] = done.home.id;
    out["digest"] = digest;
  }
  co_await answer(c, 200, std::move(out));
}

} // namespace troupe::directory
