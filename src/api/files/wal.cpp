// GET /admin/wal, GET /admin/wal/{segment}, POST /admin/wal/rotate: the log as a person looks at it.
#include "api/files/call.hpp"
#include "api/files/verifier.hpp"
#include "api/files/wal_rows.hpp"
#include "core/tables.hpp"

#include <boost/json/array.hpp>

#include <charconv>

namespace troupe::files {

namespace {

constexpr int rotations_max = 8; // races lost against entries that come meanwhile

// "active" or "wal.active", "7" or "segment_7.wal".
std::uint64_t segment_named(std::string_view name, const wal_segments& all) {
  if (name == "active" || name == "wal.active") return all.active.id();
  auto digits = name;
  if (digits.starts_with("segment_") && digits.ends_with(".wal")) digits = digits.substr(8, digits.size() - 12);
  std::uint64_t id = 0;
  auto [end, e] = std::from_chars(digits.data(), digits.data() + digits.size(), id);
  if (e != std::errc{} || end != digits.data() + digits.size())
    throw http::api_error{ec::bad_argument, "a segment is `active`, its number, or segment_N.wal"};
  if (id < all.first().id() || id > all.active.id())
    throw http::api_error{ec::not_found,
      "there is no segment " + std::to_string(id) + "; those from " + std::to_string(all.first().id()) + " to " +
        std::to_string(all.active.id()) + " are there"};
  return id;
}

} // namespace

http::task<> on_wal(call& c) {
  const auto all = co_await segments_of(c.data);
  json::array closed;
  for (const auto& s : all.closed) closed.push_back(to_json(s, false));
  json::object out{{"active", to_json(all.active, true)}, {"segments", std::move(closed)}};
  out["segment_bytes"] = c.context().files.segment_bytes;
  out["segments_kept"] = c.context().files.segments_kept;
  // Operations whose entries are not kept any more: of each file the base holds the last one.
  out["base_entries"] = all.first().first_id() - 1;
  const auto verified = co_await last_verification(c.data);
  out["verified"] = to_json(verified);
  co_await answer(c, 200, std::move(out));
}

// ?after=: a position; ?limit=.
http::task<> on_segment(call& c) {
  const auto all = co_await segments_of(c.data);
  const auto id = segment_named(c.parameters.at("segment"), all);
  const auto limit = static_cast<std::uint32_t>(c.number("limit", 100, 1, 1000));
  std::optional<std::uint64_t> after;
  if (!c.query("after").empty()) after = c.number("after", 0, 0, ~std::uint64_t{0});
  wal_cursor cursor{c.data, id, after};
  const auto entries = co_await cursor.next(limit);
  json::array shown;
  for (const auto& e : entries) shown.push_back(to_json(e));
  json::object out{{"segment_id", id}, {"entries", std::move(shown)}};
  if (entries.size() == limit) out["next"] = entries.back().position(); // for ?after=
  co_await answer(c, 200, std::move(out));
}

http::task<> on_rotate(call& c) {
  for (int attempt = 0; attempt < rotations_max; ++attempt) {
    std::vector<std::string> keys;
    keys.push_back(tables::file_log_active());
    const auto rows = co_await read_rows(c.data, std::move(keys));
    pb::file_log_segment active;
    if (rows[0] && !active.ParseFromString(*rows[0]))
      throw http::api_error{ec::corrupt, "the active segment of the log does not parse"};
    if (active.entries() == 0) { // an empty segment stays
      const auto all = co_await segments_of(c.data);
      json::object out{{"closed", nullptr}, {"active", to_json(all.active, true)}};
      co_await answer(c, 200, std::move(out));
      co_return;
    }
    const auto next = file_log::after(active, c.context().clock->now());
    pb::batch batch;
    auto* same = batch.add_preconditions();
    same->set_kind(pb::precondition::equals);
    same->set_key(tables::file_log_active());
    same->set_digest(tables::digest_of(*rows[0]));
    auto* closed = batch.add_operations();
    closed->set_kind(pb::operation::put);
    closed->set_key(tables::file_log_segment(active.id()));
    closed->set_value(active.SerializeAsString());
    auto* opened = batch.add_operations();
    opened->set_kind(pb::operation::put);
    opened->set_key(tables::file_log_active());
    opened->set_value(next.SerializeAsString());
    if (!co_await commit(c.data, std::move(batch))) continue; // an entry came: look again
    json::object out{{"closed", to_json(active, false)}, {"active", to_json(next, true)}};
    co_await answer(c, 200, std::move(out));
    co_await collect_segments(c, c.context().files.segment_bytes);
    co_return;
  }
  throw http::api_error{ec::conflict, "entries keep coming: try again"};
}

} // namespace troupe::files
