#include "api/files/wal_rows.hpp"

#include "codec/text.hpp"
#include "core/tables.hpp"

namespace troupe::files {

namespace json = boost::json;

http::task<wal_segments> segments_of(log_access& c) {
  // The active one first: one that is closed meanwhile is then seen twice rather than not at all.
  std::vector<std::string> keys;
  keys.push_back(tables::file_log_active());
  const auto rows = co_await read_rows(c, std::move(keys));
  wal_segments all;
  all.active = file_log::first_segment(c.clock.now());
  if (rows[0] && !all.active.ParseFromString(*rows[0]))
    throw http::api_error{ec::corrupt, "the active segment of the log does not parse"};
  row_walk walk{c, tables::file_log_segments()};
  for (auto row = co_await walk.next(); row; row = co_await walk.next()) {
    pb::file_log_segment s;
    if (!s.ParseFromString(row->second)) throw http::api_error{ec::corrupt, "a segment's row does not parse"};
    if (s.id() < all.active.id()) all.closed.push_back(std::move(s));
  }
  co_return all;
}

wal_cursor::wal_cursor(log_access& c, std::uint64_t segment, std::optional<std::uint64_t> after)
    : c_(c), segment_(segment) {
  if (after) after_ = tables::file_log_entry(segment, *after);
}

http::task<std::vector<pb::file_log_entry>> wal_cursor::next(std::uint32_t limit) {
  auto prefix = segment_ ? tables::file_log_entries(*segment_) : std::string{tables::file_log, 'e'};
  const auto page = co_await list_rows(c_, std::move(prefix), after_, limit);
  std::vector<pb::file_log_entry> entries;
  for (const auto& row : page.entries()) {
    auto& e = entries.emplace_back();
    if (e.ParseFromString(row.value())) continue;
    entries.pop_back();
    if (faults_.size() < file_log::reader::faults_max)
      faults_.push_back("the entry at " + hex_encode(row.key().substr(2)) + " does not parse");
  }
  if (page.entries_size() != 0) after_ = page.entries(page.entries_size() - 1).key();
  // A page of nothing but damage is not the end.
  if (entries.empty() && page.entries_size() != 0) co_return co_await next(limit);
  co_return entries;
}

http::task<std::optional<std::pair<std::string, std::string>>> row_walk::next() {
  if (page_.empty() && !last_page_) {
    const auto page = co_await list_rows(c_, prefix_, after_, 500);
    for (const auto& row : page.entries()) page_.emplace_back(row.key().substr(prefix_.size()), row.value());
    after_ = page.last();
    last_page_ = !page.truncated();
    if (c_.pace) co_await c_.pace(page_.size());
  }
  std::optional<std::pair<std::string, std::string>> row;
  if (page_.empty()) co_return row;
  row = std::move(page_.front());
  page_.pop_front();
  co_return row;
}

const char* name_of(pb::file_log_entry::operations o) {
  switch (o) {
  case pb::file_log_entry::create: return "CREATE";
  case pb::file_log_entry::update: return "UPDATE";
  case pb::file_log_entry::remove: return "DELETE";
  default: return "UNKNOWN";
  }
}

json::object to_json(const pb::file_log_segment& s, bool active) {
  json::object out{{"segment_id", s.id()}, {"entries", s.entries()}, {"bytes", s.bytes()}, {"first_id", s.first_id()},
    {"opened", format_iso8601(s.opened_ms())}, {"checksum", hex_encode(s.checksum())}};
  out["name"] = active ? std::string{"wal.active"} : "wal.segments/segment_" + std::to_string(s.id()) + ".wal";
  if (!active) out["closed"] = format_iso8601(s.closed_ms());
  return out;
}

json::object to_json(const pb::file_log_entry& e) {
  json::object out{{"id", e.id()}, {"operation", name_of(e.operation())}, {"file_id", e.file_id()},
    {"data", base64_encode(e.data())}, {"checksum", hex_encode(e.checksum())}, {"segment_id", e.segment_id()},
    {"position", e.position()}, {"timestamp", format_iso8601(e.timestamp_ms())}};
  out["previous"] = hex_encode(e.previous());
  pb::object_record record;
  if (!e.data().empty() && record.ParseFromString(e.data())) out["file"] = to_json(info_of(e.file_id(), record));
  return out;
}

} // namespace troupe::files
