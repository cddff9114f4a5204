// GET /storage/buckets/{bucket}/objects?prefix=&delimiter=&limit=&after=
#include "api/storage/call.hpp"

#include <boost/json/array.hpp>

#include <charconv>

namespace troupe::storage {

namespace {

std::uint32_t limit_of(const call& c) {
  const auto text = c.query("limit");
  if (text.empty()) return entries_max;
  std::uint32_t limit = 0;
  const auto [end, e] = std::from_chars(text.data(), text.data() + text.size(), limit);
  if (e != std::errc{} || end != text.data() + text.size() || limit == 0 || limit > entries_max)
    throw http::api_error{ec::invalid_argument, "limit is 1 to " + std::to_string(entries_max)};
  return limit;
}

} // namespace

http::task<> on_list_objects(call& c) {
  const auto bucket = c.bucket();
  list_objects what;
  what.bucket = bucket;
  what.prefix = c.query("prefix");
  what.delimiter = c.query("delimiter");
  what.start_after = c.query("after");
  what.limit = limit_of(c);
  const auto page = must(co_await c.store.list(std::move(what)));
  json::array out;
  for (const auto& e : page.entries) {
    if (e.is_prefix)
      out.push_back(json::object{{"prefix", e.key}});
    else
      out.push_back(object_json(bucket, e.key, e.record));
  }
  json::object more{{"truncated", page.truncated}};
  if (page.truncated) more["after"] = page.last; // of the next page
  co_await answer_data(c, 200, std::move(out), std::move(more));
}

} // namespace troupe::storage
