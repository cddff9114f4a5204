// GET /admin/replicas[?limit=&after=], GET /admin/replicas/{id}: where the pieces of files are, and whether they are there now.
#include "actors/survey.hpp"
#include "api/admin/where_json.hpp"
#include "api/files/call.hpp"

#include <boost/json/array.hpp>

#include <algorithm>

namespace troupe::files {

namespace {

constexpr std::chrono::seconds survey_timeout{10};

struct named_record {
  std::string id;
  pb::object_record record;
};

// Small contents are rows of the metadata group: as safe as the log itself, and not asked for.
http::task<json::array> surveyed(call& c, const std::vector<named_record>& files) {
  std::vector<pb::extent> asked;
  for (const auto& f : files)
    if (f.record.has_extent() && f.record.size() != 0) asked.push_back(f.record.extent());
  std::shared_ptr<const std::vector<extent_survey>> found;
  if (!asked.empty()) {
    auto outcome = co_await http::ask<extent_surveys>(
      c.actors, c.context().surveyor, survey_timeout, compare_atom::value, extents_to_survey{std::move(asked)});
    found = must(std::move(outcome)).surveys;
  }
  json::array out;
  std::size_t next = 0;
  for (const auto& f : files) {
    const auto info = info_of(f.id, f.record);
    json::object line{{"id", f.id}, {"size", info.size}, {"replication", info.replication}};
    const bool spread = f.record.has_extent() && f.record.size() != 0;
    line["inline"] = !spread;
    if (spread) {
      line["placement"] = must(admin::extent_json(f.record.extent(), found->at(next++)));
      line["losses"] = line["placement"].as_object()["losses"]; // how many more nodes may be lost
    }
    out.push_back(std::move(line));
  }
  co_return out;
}

} // namespace

http::task<> on_replicas(call& c) {
  list_objects what;
  what.bucket = bucket_name;
  what.limit = static_cast<std::uint32_t>(c.number("limit", 50, 1, 256)); // the surveyor's bound
  what.start_after = c.query("after");
  auto found = co_await c.store.list(std::move(what));
  listing page;
  if (found || found.error().code != ec::no_such_bucket) page = must(std::move(found));
  std::vector<named_record> files;
  for (auto& e : page.entries) files.push_back({e.key, std::move(e.record)});
  auto lines = co_await surveyed(c, files);
  json::object out{{"files", std::move(lines)}, {"truncated", page.truncated}};
  if (page.truncated) out["next"] = page.last;
  co_await answer(c, 200, std::move(out));
}

http::task<> on_replica(call& c) {
  const auto& id = c.file_id();
  auto object = co_await look_at(c, id, false);
  std::vector<named_record> files;
  files.push_back({id, std::move(object.record)});
  auto lines = co_await surveyed(c, files);
  co_await answer(c, 200, std::move(lines[0].as_object()));
}

} // namespace troupe::files
