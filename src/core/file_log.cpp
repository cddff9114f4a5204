#include "core/file_log.hpp"

#include "codec/digest.hpp"
#include "core/tables.hpp"
#include "store/state.hpp"

#include <utility>

namespace troupe::file_log {

namespace {

void number(std::string& to, std::uint64_t n) {
  for (int shift = 56; shift >= 0; shift -= 8) to += static_cast<char>((n >> shift) & 0xff);
}
void text(std::string& to, const std::string& s) {
  number(to, s.size());
  to += s;
}

std::string name_of(const pb::file_log_entry& e) {
  return "entry " + std::to_string(e.id()) + " (segment " + std::to_string(e.segment_id()) + ", position " +
    std::to_string(e.position()) + ")";
}

} // namespace

std::string checksum_of(const pb::file_log_entry& e) {
  std::string all; // every field with its length: no two entries have the same bytes
  number(all, e.id());
  number(all, static_cast<std::uint64_t>(e.operation()));
  text(all, e.file_id());
  text(all, e.data());
  number(all, e.segment_id());
  number(all, e.position());
  number(all, static_cast<std::uint64_t>(e.timestamp_ms()));
  text(all, e.previous());
  return std::string{as_text(bytes_view{sha256(as_bytes(all))})};
}

result<> check(const pb::file_log_entry& e) {
  if (checksum_of(e) == e.checksum()) return {};
  return fail(ec::corrupt, name_of(e) + ": its checksum is not that of its fields");
}

result<> check_append(const std::string& key, const std::string& value) {
  pb::file_log_append append;
  if (key != tables::file_log_active() || !append.ParseFromString(value))
    return fail(ec::bad_argument, "an append to the log of files that does not parse, or names another row");
  const auto& e = append.entry();
  if (e.operation() < pb::file_log_entry::create || e.operation() > pb::file_log_entry::remove)
    return fail(
      ec::bad_argument, "an entry of the log of files with the unknown operation " + std::to_string(e.operation()));
  if (e.file_id().empty() || e.file_id().size() > file_id_bytes_max)
    return fail(ec::bad_argument, "an entry of the log of files whose file id is empty or too long");
  if (e.data().size() > data_bytes_max)
    return fail(ec::too_large,
      "an entry of the log of files with " + std::to_string(e.data().size()) + " bytes of data; the limit is " +
        std::to_string(data_bytes_max));
  if (append.segment_bytes() < segment_bytes_min || append.segment_bytes() > segment_bytes_max)
    return fail(ec::bad_argument,
      "segments of " + std::to_string(append.segment_bytes()) + " bytes; " + std::to_string(segment_bytes_min) +
        " to " + std::to_string(segment_bytes_max) + " are possible");
  return {};
}

pb::file_log_segment first_segment(std::int64_t now_ms) {
  pb::file_log_segment first;
  first.set_id(1);
  first.set_first_id(1);
  first.set_opened_ms(now_ms);
  return first;
}

pb::file_log_segment after(pb::file_log_segment& closed, std::int64_t now_ms) {
  closed.set_closed_ms(now_ms);
  pb::file_log_segment next;
  next.set_id(closed.id() + 1);
  next.set_first_id(closed.first_id() + closed.entries());
  next.set_opened_ms(now_ms);
  next.set_previous(closed.checksum());
  next.set_checksum(closed.checksum());
  return next;
}

result<> append(state& rows, const std::string& value) {
  pb::file_log_append what;
  if (!what.ParseFromString(value)) return fail(ec::internal, "an append that check_append() let through");
  auto& e = *what.mutable_entry();
  auto row = rows.get(tables::file_log_active());
  if (!row) return std::move(row).error();
  auto active = first_segment(e.timestamp_ms());
  if (row->has_value() && !active.ParseFromString(**row))
    return fail(ec::corrupt, "the active segment of the log of files does not parse");
  if (active.bytes() >= what.segment_bytes()) {
    auto next = after(active, e.timestamp_ms());
    rows.put(tables::file_log_segment(active.id()), active.SerializeAsString());
    active = std::move(next);
  }
  e.set_id(active.first_id() + active.entries());
  e.set_segment_id(active.id());
  e.set_position(active.bytes());
  e.set_previous(active.checksum());
  e.set_checksum(checksum_of(e));
  auto bytes = e.SerializeAsString();
  active.set_entries(active.entries() + 1);
  active.set_bytes(active.bytes() + bytes.size());
  active.set_checksum(e.checksum());
  rows.put(tables::file_log_entry(e.segment_id(), e.position()), std::move(bytes));
  rows.put(tables::file_log_active(), active.SerializeAsString());
  return {};
}

pb::file_log_entry entry_of(
  pb::file_log_entry::operations operation, const std::string& file_id, const pb::object_record& record) {
  pb::file_log_entry entry;
  entry.set_operation(operation);
  entry.set_file_id(file_id);
  entry.set_data(record.SerializeAsString());
  entry.set_timestamp_ms(record.modified_ms());
  return entry;
}

pb::operation append_operation(pb::file_log_entry entry, std::uint64_t segment_bytes) {
  pb::file_log_append append;
  *append.mutable_entry() = std::move(entry);
  append.set_segment_bytes(segment_bytes);
  pb::operation operation;
  operation.set_kind(pb::operation::append);
  operation.set_key(tables::file_log_active());
  operation.set_value(append.SerializeAsString());
  return operation;
}

void reader::fault(std::string what) {
  if (faults_.size() < faults_max) faults_.push_back(std::move(what));
}

void reader::add(const pb::file_log_entry& e) {
  if (auto ok = check(e); !ok) fault(ok.error().message);
  if (e.id() != next_id_) fault(name_of(e) + ": entry " + std::to_string(next_id_) + " was to come");
  if (e.previous() != previous_) fault(name_of(e) + ": does not follow the entry before it");
  previous_ = e.checksum();
  next_id_ = e.id() + 1;
  ++entries_;
  files_[e.file_id()] = e;
}

} // namespace troupe::file_log
