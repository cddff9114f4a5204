// GET /admin/objects/where?bucket=&key=[&from=]: which nodes hold the pieces of an object, and whether they do. An object
// of many parts is shown `extents_max` at a time, from number `from` on.
#include "api/admin/call.hpp"
#include "api/admin/where_json.hpp"
#include "core/tables.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <charconv>
#include <optional>

namespace troupe::admin {

namespace {

constexpr std::size_t extents_max = 64;

struct named_extent {
  std::uint32_t part = 0; // 0: the object has no parts
  pb::extent extent;
};

std::string parameter(const call& c, std::string_view name) {
  const auto* value = c.rq.target().q(name);
  if (value == nullptr || value->empty())
    throw http::api_error{ec::bad_argument, "the query needs " + std::string{name} + "="};
  return *value;
}

std::size_t first_shown(const call& c) {
  const auto* text = c.rq.target().q("from");
  std::size_t from = 0;
  if (text == nullptr) return from;
  auto [end, e] = std::from_chars(text->data(), text->data() + text->size(), from);
  if (e != std::errc{} || end != text->data() + text->size())
    throw http::api_error{ec::bad_argument, "from= is the number of an extent"};
  return from;
}

// Rows in the order asked, nothing for those that are not there.
http::task<std::vector<std::optional<std::string>>> rows_of(call& c, std::vector<std::string> keys) {
  pb::read_request what;
  for (const auto& key : keys) what.add_keys(key);
  auto outcome = co_await http::ask<wire<pb::read_reply>>(
    c.actors, c.config.metadata, look_timeout, read_atom::value, wire<pb::read_request>{std::move(what)});
  auto reply = must(std::move(outcome));
  std::vector<std::optional<std::string>> rows(keys.size());
  for (const auto& row : reply->rows())
    for (std::size_t i = 0; i < keys.size(); ++i)
      if (keys[i] == row.key()) rows[i] = row.value();
  co_return rows;
}

// What lies with the nodes; parts whose content is in the manifest itself have no extent.
http::task<std::vector<named_extent>> extents_of(call& c, const pb::object_record& record) {
  std::vector<named_extent> all;
  if (record.has_extent()) all.push_back({.part = 0, .extent = record.extent()});
  if (record.manifest_id().empty()) co_return all;
  std::vector<std::string> keys; // named: GCC 12 does not take a list in a co_await
  keys.push_back(tables::manifest(data_id::from_bytes(record.manifest_id())));
  auto rows = co_await rows_of(c, std::move(keys));
  pb::manifest manifest;
  if (!rows[0]) throw http::api_error{ec::conflict, "the object was replaced just now: try again"};
  if (!manifest.ParseFromString(*rows[0])) throw http::api_error{ec::corrupt, "the object's manifest does not parse"};
  for (const auto& part : manifest.parts())
    if (part.has_extent()) all.push_back({.part = part.number(), .extent = part.extent()});
  co_return all;
}

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
  auto bucket = parameter(c, "bucket"), key = parameter(c, "key");
  auto from = first_shown(c);
  std::vector<std::string> keys;
  keys.push_back(tables::object(bucket, key));
  keys.push_back(tables::bucket(bucket));
  auto rows = co_await rows_of(c, std::move(keys));
  if (!rows[1]) throw http::api_error{ec::no_such_bucket, "there is no bucket " + bucket};
  if (!rows[0]) throw http::api_error{ec::no_such_key, "there is no object " + bucket + "/" + key};
  pb::object_record record;
  if (!record.ParseFromString(*rows[0]))
    throw http::api_error{ec::corrupt, "the record of " + bucket + "/" + key + " does not parse"};
  auto extents = co_await extents_of(c, record);
  std::vector<named_extent> some;
  for (auto i = from; i < extents.size() && some.size() < extents_max; ++i) some.push_back(std::move(extents[i]));
  json::object out{{"bucket", bucket}, {"key", key}, {"size", record.size()}, {"etag", record.etag()}};
  out["inline"] = extents.empty() && record.size() != 0; // with its record, in the metadata group
  std::optional<int> losses;
  out["extents"] = co_await surveyed(c, some, losses);
  out["extents_total"] = extents.size();
  out["from"] = from;
  if (losses) out["losses"] = *losses; // of those shown
  co_await answer(c, std::move(out));
}

} // namespace troupe::admin
