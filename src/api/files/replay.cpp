// POST /admin/wal/verify, POST /admin/wal/replay[?repair=restore|all], GET /health, GET /ready.
#include "api/files/call.hpp"
#include "api/files/verifier.hpp"
#include "api/files/wal_check.hpp"
#include "api/files/wal_repair.hpp"

#include <boost/json/array.hpp>

namespace troupe::files {

namespace {

json::object to_json(const log_check& found) {
  json::array faults;
  for (const auto& f : found.faults) faults.push_back(json::string{f});
  json::object out{{"valid", found.good()}, {"segments", found.segments}, {"entries", found.entries},
    {"base_files", found.base_files}, {"files", found.files}, {"faults", std::move(faults)}, {"more", found.more}};
  return out;
}

json::object to_json(const difference& d) {
  json::object out{{"file_id", d.file}, {"difference", name_of(d.kind)}};
  if (d.expected) out["entry"] = d.expected->id();
  return out;
}

repairs repairs_of(const call& c) {
  const auto text = c.query("repair");
  if (text.empty() || text == "none") return repairs::none;
  if (text == "restore") return repairs::restore;
  if (text == "all") return repairs::all;
  throw http::api_error{ec::bad_argument, "repair= is none, restore or all"};
}

} // namespace

http::task<> on_verify(call& c) {
  const auto begun = c.context().clock->now();
  const auto found = co_await check_log(c.data);
  co_await record_verification(c.data, c.context().node, found, begun);
  auto out = to_json(found);
  json::array differences;
  for (const auto& d : found.differences) differences.push_back(to_json(d));
  out["differences"] = std::move(differences);
  co_await answer(c, 200, std::move(out));
}

http::task<> on_replay(call& c) {
  const auto how = repairs_of(c);
  const auto found = co_await check_log(c.data);
  auto out = to_json(found);
  json::array differences;
  // A log that is damaged itself is no ground to change files on.
  const auto allowed = found.faults.empty() ? how : repairs::none;
  for (const auto& d : found.differences) {
    auto shown = to_json(d);
    shown["action"] = co_await repair(c.data, d, allowed, c.context().files.segment_bytes);
    differences.push_back(std::move(shown));
  }
  out["differences"] = std::move(differences);
  co_await answer(c, 200, std::move(out));
}

http::task<> on_health(call& c) {
  json::object out{{"status", "alive"}};
  co_await answer(c, 200, std::move(out));
}

// False until the last segment was read and held against the files that it is about; then whenever the metadata group does
// not answer.
http::task<> on_ready(call& c) {
  std::string why;
  try {
    if (!c.shared.replayed) {
      const auto found = co_await check_active_segment(c.data);
      if (!found.faults.empty())
        why = "the log is damaged: " + found.faults.front();
      else if (!found.differences.empty())
        why = "file " + found.differences.front().file + " is not what the log says: POST /admin/wal/replay";
      else
        c.shared.replayed = true;
    } else {
      co_await segments_of(c.data);
    }
  } catch (const http::api_error& e) { why = e.message; }
  json::object out{{"status", why.empty() ? "ready" : "not ready"}};
  if (!why.empty()) out["why"] = why;
  const int status = why.empty() ? 200 : 503;
  co_await answer(c, status, std::move(out));
}

} // namespace troupe::files
