// GET /get/{key} and DELETE /delete/{key}.
#include "api/directory/call.hpp"
#include "core/directory_put.hpp"

namespace troupe::directory {

namespace {

constexpr std::size_t weight = 3 * value_bytes_max; // the value, and the JSON of it

std::string key_of(const call& c) {
  const auto& key = c.parameters.at("key");
  must(check_directory_key(key));
  return key;
}

// Nothing: it was answered that there is no such key. A value in another bucket is none of the bucket that was asked.
http::task<bool> found(call& c, const std::string& key, const keys::value_outcome& outcome) {
  if (outcome.value && (!c.bucket || *c.bucket == outcome.home.id)) co_return true;
  co_await answer_no_key(c, key, c.bucket.value_or(outcome.home.id));
  co_return false;
}

} // namespace

http::task<> on_get(call& c) {
  const auto key = key_of(c);
  const http::memory_bound::hold memory{c.shared.memory, weight};
  auto keys = c.make_keys();
  auto outcome = must(co_await keys.get(key));
  const auto there = co_await found(c, key, outcome);
  if (!there) co_return;
  json::object out{{"value", std::move(*outcome.value)}};
  if (!c.bucket) {
    out["bucket_id"] = outcome.home.id;
    out["digest"] = directory_digest(key);
  }
  co_await answer(c, 200, std::move(out));
}

http::task<> on_delete(call& c) {
  const auto key = key_of(c);
  const http::memory_bound::hold memory{c.shared.memory, weight};
  auto keys = c.make_keys();
  if (c.bucket) {
    const auto at = must(co_await keys.find(key));
    if (at.home.id != *c.bucket) {
      co_await answer_no_key(c, key, *c.bucket);
      co_return;
    }
  }
  auto outcome = must(co_await keys.remove(key));
  const auto there = co_await found(c, key, outcome);
  if (!there) co_return;
  json::object out{{"key", key}, {"value", std::move(*outcome.value)}};
  if (!c.bucket) {
    out["bucket_id"] = outcome.home.id;
    out["digest"] = directory_digest(key);
  }
  co_await answer(c, 200, std::move(out));
}

} // namespace troupe::directory
