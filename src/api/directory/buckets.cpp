// GET /health, and what one disk bucket says of itself: GET /buckets/{id}/health and /buckets/{id}/keys. While keys move
// after a resize, a bucket shows those that have arrived.
#include "api/directory/call.hpp"
#include "core/tables.hpp"

#include <boost/json/array.hpp>

#include <charconv>

namespace troupe::directory {

namespace {

constexpr std::uint32_t keys_shown_max = 1000;

disk_bucket chosen(const call& c, const directory_layout& layout) {
  if (*c.bucket >= layout.buckets())
    throw http::api_error{ec::not_found,
      "there is no bucket " + std::to_string(*c.bucket) + ": they are 0 to " + std::to_string(layout.buckets() - 1)};
  return {.epoch = layout.epoch(), .id = *c.bucket};
}

std::uint32_t limit_of(const call& c) {
  const auto* text = c.rq.target().q("limit");
  if (text == nullptr) return keys_shown_max;
  std::uint32_t limit = 0;
  const auto [end, e] = std::from_chars(text->data(), text->data() + text->size(), limit);
  if (e != std::errc{} || end != text->data() + text->size() || limit == 0 || limit > keys_shown_max)
    throw http::api_error{ec::invalid_argument, "limit: 1 to " + std::to_string(keys_shown_max)};
  return limit;
}

} // namespace

http::task<> on_health(call& c) {
  auto r = c.make_rows();
  const auto layout = must(co_await r.layout());
  c.shared.table.set(layout);
  json::object out{{"bucket_count", layout.buckets()}};
  co_await answer(c, 200, std::move(out));
}

http::task<> on_bucket_health(call& c) {
  auto r = c.make_rows();
  const auto where = chosen(c, must(co_await r.layout()));
  const auto count = must(co_await count_keys(r, bucket_prefix(where)));
  json::object out{{"bucket_id", where.id}, {"keys_len", count.total}};
  if (count.more) out["more"] = true; // counting ended there
  co_await answer(c, 200, std::move(out));
}

http::task<> on_bucket_keys(call& c) {
  auto r = c.make_rows();
  const auto where = chosen(c, must(co_await r.layout()));
  const auto* after = c.rq.target().q("after");
  const auto below = tables::object(directory_bucket, bucket_prefix(where));
  const auto start = after == nullptr || after->empty() ? std::string{} : below + *after;
  const auto page = must(co_await r.list(below, start, limit_of(c)));
  json::array names;
  for (const auto& e : page.entries()) names.emplace_back(e.key().substr(below.size()));
  json::object out{{"bucket_id", where.id}, {"keys", std::move(names)}};
  if (page.truncated()) out["after"] = page.last().substr(below.size()); // of the next page
  co_await answer(c, 200, std::move(out));
}

} // namespace troupe::directory
