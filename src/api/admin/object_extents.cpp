#include "api/admin/object_extents.hpp"

#include "core/tables.hpp"

#include <charconv>
#include <optional>

namespace troupe::admin {

namespace {

std::size_t first_shown(const call& c) {
  auto text = parameter(c, "from");
  std::size_t from = 0;
  if (text.empty()) return from;
  auto [end, e] = std::from_chars(text.data(), text.data() + text.size(), from);
  if (e != std::errc{} || end != text.data() + text.size())
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

} // namespace

http::task<found_object> find_object(call& c) {
  found_object found;
  found.bucket = needed_parameter(c, "bucket");
  found.key = needed_parameter(c, "key");
  found.from = first_shown(c);
  std::vector<std::string> keys;
  keys.push_back(tables::object(found.bucket, found.key));
  keys.push_back(tables::bucket(found.bucket));
  auto rows = co_await rows_of(c, std::move(keys));
  auto name = found.bucket + "/" + found.key;
  if (!rows[1]) throw http::api_error{ec::no_such_bucket, "there is no bucket " + found.bucket};
  if (!rows[0]) throw http::api_error{ec::no_such_key, "there is no object " + name};
  if (!found.record.ParseFromString(*rows[0]))
    throw http::api_error{ec::corrupt, "the record of " + name + " does not parse"};
  found.extents = co_await extents_of(c, found.record);
  co_return found;
}

std::vector<named_extent> shown_extents(const found_object& o) {
  std::vector<named_extent> some;
  for (auto i = o.from; i < o.extents.size() && some.size() < extents_max; ++i) some.push_back(o.extents[i]);
  return some;
}

} // namespace troupe::admin
