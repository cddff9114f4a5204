// The base: what closed segments that are not kept any more have said last of each file that still exists. A segment becomes
// part of it by one batch, which also removes its entries, so that the log is never without either.
#include "api/files/wal_base.hpp"
#include "api/files/call.hpp"
#include "core/tables.hpp"

#include <spdlog/spdlog.h>

namespace troupe::files {

namespace {

constexpr std::size_t segments_at_a_time = 4; // of one request's turn

void add_base(pb::batch& batch, const std::string& file, const pb::file_log_entry& last) {
  auto* o = batch.add_operations();
  o->set_key(tables::file_log_base(file));
  o->set_kind(last.operation() == pb::file_log_entry::remove ? pb::operation::erase : pb::operation::put);
  if (o->kind() == pb::operation::put) o->set_value(last.SerializeAsString());
}

// False: another process did it meanwhile.
http::task<bool> collect(log_access& c, const pb::file_log_segment& segment) {
  file_log::reader entries{segment.previous(), segment.first_id()};
  wal_cursor cursor{c, segment.id(), {}};
  for (;;) {
    const auto page = co_await cursor.next();
    if (page.empty()) break;
    for (const auto& e : page) entries.add(e);
  }
  const bool whole = entries.entries() == segment.entries() && entries.previous() == segment.checksum();
  if (!whole || !entries.faults().empty() || !cursor.faults().empty())
    throw http::api_error{
      ec::corrupt, "segment " + std::to_string(segment.id()) + " of the log is damaged: it is kept"};
  pb::batch batch;
  auto* there = batch.add_preconditions();
  there->set_kind(pb::precondition::equals);
  there->set_key(tables::file_log_segment(segment.id()));
  there->set_digest(tables::digest_of(segment.SerializeAsString()));
  for (const auto& [file, last] : entries.files()) add_base(batch, file, last);
  auto* gone = batch.add_operations();
  gone->set_kind(pb::operation::erase_prefix);
  gone->set_key(tables::file_log_entries(segment.id()));
  auto* row = batch.add_operations();
  row->set_kind(pb::operation::erase);
  row->set_key(tables::file_log_segment(segment.id()));
  co_return co_await commit(c, std::move(batch));
}

} // namespace

http::task<> collect_base(log_access& c, std::uint64_t segments_kept) {
  const auto all = co_await segments_of(c);
  for (std::size_t i = 0; i < segments_at_a_time && all.closed.size() > i + segments_kept; ++i)
    if (!co_await collect(c, all.closed[i])) co_return;
}

http::task<> collect_segments(call& c, std::uint64_t logged_bytes) {
  auto& since = c.shared.logged_bytes;
  const auto limit = c.context().files.segment_bytes;
  if (since.fetch_add(logged_bytes) + logged_bytes < limit) co_return;
  since = 0;
  std::string failed;
  try {
    co_await collect_base(c.data, c.context().files.segments_kept);
  } catch (const http::api_error& e) { failed = e.message; }
  if (!failed.empty()) spdlog::warn("files: old segments of the log stay: {}", failed);
}

} // namespace troupe::files
