// PUT /put.
#include "api/directory/call.hpp"
#include "core/directory_put.hpp"

#include <algorithm>

namespace troupe::directory {

http::task<> on_put(call& c) {
  const auto ask = [&](const std::string& key) { c.from.require(identity::action::write, directory_bucket, key); };
  if (const auto* key = c.rq.target().q("key")) ask(*key); // before the body is read
  const auto length = c.rq.content().length().value_or(put_body_bytes_max);
  const http::memory_bound::hold memory{c.shared.memory, std::min<std::uint64_t>(length, put_body_bytes_max) * 2};
  const auto body = co_await whole_body(c, put_body_bytes_max);
  const auto& target = c.rq.target();
  auto request = must(parse_put_request({.query_key = target.q("key"),
    .query_value = target.q("value"),
    .content_type = c.rq.header("Content-Type"),
    .body = body}));
  ask(request.key);
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
