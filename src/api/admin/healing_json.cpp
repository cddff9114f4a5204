#include "api/admin/healing_json.hpp"

#include "codec/text.hpp"

#include <boost/json/array.hpp>

#include <algorithm>

namespace troupe::admin {

namespace json = boost::json;

namespace {

json::object job_json(const pb::healing_job& j) {
  json::object out{{"name", j.name()}, {"running", j.running()}, {"extents_done", j.extents_done()}};
  if (j.extents_total() != 0) out["extents_total"] = j.extents_total();
  if (j.bytes_done() != 0) out["bytes_done"] = j.bytes_done();
  if (j.running() && j.bytes_per_second() != 0) out["bytes_per_second"] = j.bytes_per_second();
  if (j.running() && j.has_seconds_left()) out["seconds_left"] = j.seconds_left();
  return out;
}

} // namespace

json::object healing_json(const pb::healing_report& r) {
  json::array jobs, comparing;
  for (const auto& j : r.jobs()) jobs.push_back(job_json(j));
  for (const auto& n : r.comparing()) comparing.emplace_back(n);
  json::object out{{"said", format_iso8601(r.at_ms())}, {"jobs", std::move(jobs)}, {"comparing", std::move(comparing)},
    {"under_protected",
      json::object{
        {"extents", r.under_protected_extents()}, {"objects", r.under_protected_objects()}, {"counted", r.counted()}}},
    {"stuck", r.stuck()}, {"repaired", r.repaired()},
    {"orphans", json::object{{"suspected", r.suspects()}, {"removed", r.orphans_removed()}}}};
  if (!r.node().empty()) out["node"] = r.node();
  if (!r.goal().empty()) out["goal"] = r.goal();
  return out;
}

json::object scrub_json(const pb::shard_status& s) {
  json::object out{{"rounds", s.scrub_rounds()}, {"damaged", s.scrub_damaged()}};
  if (s.scrub_bytes_total() != 0) {
    out["bytes_done"] = s.scrub_bytes_done();
    out["bytes_total"] = s.scrub_bytes_total();
    out["seconds_left"] = s.scrub_seconds_left();
  }
  return out;
}

json::object scrub_json(const cluster_survey& all) {
  pb::shard_status sum;
  std::uint64_t rounds = ~std::uint64_t{0};
  for (const auto& n : all.nodes) {
    if (!n.asked || !n.storage) continue;
    const auto& s = *n.storage;
    rounds = std::min(rounds, s.scrub_rounds());
    sum.set_scrub_damaged(sum.scrub_damaged() + s.scrub_damaged());
    sum.set_scrub_bytes_done(sum.scrub_bytes_done() + s.scrub_bytes_done());
    sum.set_scrub_bytes_total(sum.scrub_bytes_total() + s.scrub_bytes_total());
    sum.set_scrub_seconds_left(std::max(sum.scrub_seconds_left(), s.scrub_seconds_left()));
  }
  sum.set_scrub_rounds(rounds == ~std::uint64_t{0} ? 0 : rounds);
  return scrub_json(sum);
}

} // namespace troupe::admin
