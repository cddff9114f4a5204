// GET /admin/directory and POST /admin/directory/resize?buckets=M: the disk buckets of the directory (docs/DIRECTORY.md).
// The answer to a resize comes once the new number is committed; keys move afterwards. Repeating one does no harm.
#include "api/admin/call.hpp"
#include "api/directory/rows.hpp"

#include <boost/json/array.hpp>

#include <charconv>

namespace troupe::admin {

namespace {

directory::rows rows_of(call& c) { return {c.actors, c.config.metadata, c.config.clock}; }

json::object layout_json(const directory_layout& layout) {
  json::object out{{"epoch", layout.epoch()}, {"bucket_count", layout.buckets()}, {"moving", layout.moving()}};
  if (layout.moving())
    out["previous"] = json::object{{"epoch", layout.previous_epoch()}, {"bucket_count", layout.previous_buckets()}};
  return out;
}

std::uint32_t wanted_buckets(const call& c) {
  const auto* text = c.rq.target().q("buckets");
  std::uint32_t buckets = 0;
  if (text == nullptr) throw http::api_error{ec::bad_argument, "the query needs buckets="};
  const auto [end, e] = std::from_chars(text->data(), text->data() + text->size(), buckets);
  if (e != std::errc{} || end != text->data() + text->size())
    throw http::api_error{ec::bad_argument, "buckets= is a whole number from 1 to " + std::to_string(disk_buckets_max)};
  return buckets;
}

} // namespace

http::task<> on_directory(call& c) {
  auto rows = rows_of(c);
  const auto layout = must(co_await rows.layout());
  auto out = layout_json(layout);
  if (layout.moving()) {
    const auto left = must(co_await directory::count_keys(rows, epoch_prefix(layout.previous_epoch())));
    out["previous"].as_object()["keys_len"] = left.total;
  }
  const auto count = must(co_await directory::count_keys(rows, epoch_prefix(layout.epoch())));
  json::array buckets;
  for (std::uint32_t id = 0; id < layout.buckets(); ++id) {
    const auto found = count.by_bucket.find(id);
    const auto keys = found == count.by_bucket.end() ? std::uint64_t{0} : found->second;
    buckets.push_back(json::object{{"bucket_id", id}, {"keys_len", keys}});
  }
  out["keys_len"] = count.total;
  out["more"] = count.more; // counting ended there
  out["buckets"] = std::move(buckets);
  co_await answer(c, std::move(out));
}

http::task<> on_resize_directory(call& c) {
  const auto buckets = wanted_buckets(c);
  auto rows = rows_of(c);
  auto outcome = co_await rows.resize(buckets);
  if (!outcome && outcome.error().code == ec::timeout)
    throw http::api_error{
      ec::timeout, "whether the number was changed is not known, it may be repeated: " + outcome.error().message};
  co_await answer(c, layout_json(must(std::move(outcome))));
}

} // namespace troupe::admin
