#include "cli/healing_text.hpp"

#include "cli/json_fields.hpp"
#include "cli/storage.hpp"
#include "codec/units.hpp"

#include <chrono>

namespace troupe::cli {

namespace json = boost::json;

namespace {

std::string left_of(const json::object& o) {
  auto seconds = number_of(o, "seconds_left");
  return seconds && *seconds >= 0 ? ", " + human_countdown(std::chrono::seconds{*seconds}) + " left" : std::string{};
}

std::string protection_line(const json::object& under) {
  auto extents = number_of(under, "extents").value_or(0), objects = number_of(under, "objects").value_or(0);
  if (!is_true(under, "counted") && extents == 0) return "being counted";
  auto counting = is_true(under, "counted") ? std::string{} : " so far: it is being counted";
  if (extents == 0) return "everything has its full redundancy" + counting;
  return std::to_string(extents) + (extents == 1 ? " extent" : " extents") + " of " + std::to_string(objects) +
    (objects == 1 ? " object" : " objects") + " below full redundancy" + counting;
}

// "compare 120 of 500 extents, 0:03 left"
std::string job_line(const json::object& j) {
  auto line = shown(text_of(j, "name")) + ' ' + count_of(j, "extents_done");
  if (number_of(j, "extents_total")) line += " of " + count_of(j, "extents_total");
  line += " extents";
  if (number_of(j, "bytes_done").value_or(0) > 0) line += ", " + bytes_of(j, "bytes_done");
  if (number_of(j, "bytes_per_second")) line += " at " + bytes_of(j, "bytes_per_second") + "/s";
  return line + left_of(j);
}

std::string scrub_line(const json::object& s) {
  auto line = number_of(s, "bytes_total") ? bytes_of(s, "bytes_done") + " of " + bytes_of(s, "bytes_total") + left_of(s)
                                          : count_of(s, "rounds") + " whole rounds since the nodes started";
  auto damaged = number_of(s, "damaged").value_or(0);
  return damaged == 0 ? line : line + ", found " + std::to_string(damaged) + " DAMAGED";
}

} // namespace

std::vector<std::string> healing_lines(const json::object& status) {
  std::vector<std::string> out;
  const auto& h = object_of(status, "healing");
  if (!h.empty()) {
    out.push_back("protection " + protection_line(object_of(h, "under_protected")));
    std::string comparing;
    for (const auto& n : array_of(h, "comparing"))
      if (n.is_string()) (comparing += comparing.empty() ? "" : ", ") += shown(n.get_string());
    if (!comparing.empty()) out.push_back("           returned, and not compared with the records yet: " + comparing);
    if (auto stuck = number_of(h, "stuck").value_or(0); stuck != 0)
      out.push_back("           " + std::to_string(stuck) + " extents have pieces with nowhere to go: add nodes");
    bool first = true;
    for (const auto& v : array_of(h, "jobs"))
      if (v.is_object() && is_true(v.get_object(), "running")) {
        out.push_back((first ? "healing    " : "           ") + job_line(v.get_object()));
        first = false;
      }
    const auto& orphans = object_of(h, "orphans");
    if (number_of(orphans, "suspected").value_or(0) != 0 || number_of(orphans, "removed").value_or(0) != 0)
      out.push_back("orphans    " + count_of(orphans, "suspected") + " suspected, " + count_of(orphans, "removed") +
        " removed since the healer started");
  }
  if (const auto& s = object_of(status, "scrub"); !s.empty()) out.push_back("scrub      " + scrub_line(s));
  return out;
}

} // namespace troupe::cli
