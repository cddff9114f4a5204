// GET /admin/objects/where?bucket=&key=[&from=]: which nodes hold the pieces of an object, and whether they do. An object
// of many parts is shown `extents_max` at a time, from number `from` on.
#include "api/admin/call.hpp"
#include "api/admin/object_extents.hpp"
#include "api/admin/where_json.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <optional>

namespace troupe::admin {

namespace {

http::task<json::array> surveyed(call& c, const std::vector<named_extent>& some, std::optional<int>& losses) {
  json::array out;
  std::vector<pb::extent> asked;
  for (const auto& e : some) asked.push_back(e.extent);
  auto outcome = co_await http::ask<extent_surveys>(
    c.actors, c.config.surveyor, look_timeout, compare_atom::value, extents_to_survey{std::move(asked)});
  auto found = must(std::move(outcome));
  for (std::size_t i = 0; i < some.size(); ++i) {
    auto line = must(extent_json(some[i].extent, found.surveys->at(i)));
    if (some[i].part != 0) line["part"] = some[i].part;
    auto here = static_cast<int>(line["losses"].as_int64());
    losses = std::min(losses.value_or(here), here);
    out.push_back(std::move(line));
  }
  co_return out;
}

} // namespace

http::task<> on_where(call& c) {
  auto found = co_await find_object(c);
  auto some = shown_extents(found);
  json::object out{
    {"bucket", found.bucket}, {"key", found.key}, {"size", found.record.size()}, {"etag", found.record.etag()}};
  out["inline"] = found.extents.empty() && found.record.size() != 0; // with its record, in the metadata group
  std::optional<int> losses;
  out["extents"] = co_await surveyed(c, some, losses);
  out["extents_total"] = found.extents.size();
  out["from"] = found.from;
  if (losses) out["losses"] = *losses; // of those shown
  co_await answer(c, std::move(out));
}

} // namespace troupe::admin
