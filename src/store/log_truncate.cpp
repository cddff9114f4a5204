// Forgetting: the front (compaction) and the back (a Raft follower's conflicting suffix).

#include "store/file_log.hpp"
#include "store/segment_scan.hpp"

#include <algorithm>

namespace troupe {

using namespace log_format;

result<> file_log::remove_segment(std::uint64_t number) {
  if (number == number_) return fail(ec::bad_argument, active_path_ + ": the active segment cannot be removed");
  if (!table_.end_of(number))
    return fail(ec::not_found, closed_directory_ + ": there is no segment " + std::to_string(number));
  // Readers that have the file open keep it; others are told that it is gone.
  table_.remove(number);
  if (spares_.size() < options_.spare_segments) return set_segment_aside(number);
  TROUPE_TRY(disk_.remove(table_.closed_path(number)));
  return disk_.sync_directory(closed_directory_);
}

// A spare is written over: not before the segment's own name is gone for good.
result<> file_log::set_segment_aside(std::uint64_t number) {
  auto path = table_.closed_path(number);
  auto spare = path + std::string{spare_suffix};
  TROUPE_TRY(disk_.rename(path, spare));
  TROUPE_TRY(disk_.sync_directory(closed_directory_));
  spares_.push_back(std::move(spare));
  return {};
}

// The last segment goes first, each for good before the next: a crash leaves a shorter log, never one with a hole.
result<> file_log::truncate_from(log_position at) {
  TROUPE_TRY(check_open());
  if (at >= end()) return {};
  at.offset = std::max(at.offset, header_bytes);
  auto kept = table_.end_of(at.segment);
  if (kept && at.offset > *kept)
    return fail(ec::bad_argument, active_path_ + ": truncation behind the end of a segment");
  if (kept && at.offset < *kept)
    if (auto record = find(at); !record) return std::move(record).error();

  ++generation_;
  auto all = table_.list();
  for (auto i = all.rbegin(); i != all.rend() && i->number > at.segment; ++i) {
    auto is_active = i->number == number_ && active_;
    table_.remove(i->number);
    if (is_active) active_.reset();
    auto removed = disk_.remove(is_active ? active_path_ : table_.closed_path(i->number));
    if (removed) removed = disk_.sync_directory(is_active ? options_.directory : closed_directory_);
    if (!removed) return poison(std::move(removed).error());
  }
  if (!kept) return start_segment(at.segment);
  if (number_ != at.segment || !active_) TROUPE_TRY(reopen_closed(at.segment));
  table_.set_end(at.offset);
  if (auto ok = active_->truncate(at.offset); !ok) return poison(std::move(ok).error());
  end_ = file_end_ = at.offset;
  durable_ = std::min(durable_, end_);
  TROUPE_TRY(gate_->run({&active_, 1}));
  durable_ = end_;
  return {};
}

// Makes a closed segment the active one again; its closing record is cut off by the caller.
result<> file_log::reopen_closed(std::uint64_t number) {
  auto file = disk_.open(table_.closed_path(number), disk::open_mode::existing);
  if (!file) return poison(std::move(file).error());
  auto size = (*file)->size();
  if (!size) return poison(std::move(size).error());
  segment_reader reader{**file, *size, options_.skip_damage};
  auto identity = identify_segment(reader);
  if (!identity) return poison(std::move(identity).error());
  if (!*identity || (*identity)->number != number)
    return poison(fail(ec::corrupt, table_.closed_path(number) + ": the opening record is damaged"));
  auto moved = disk_.rename(table_.closed_path(number), active_path_);
  if (moved) moved = disk_.sync_directory(options_.directory);
  if (moved) moved = disk_.sync_directory(closed_directory_);
  if (!moved) return poison(std::move(moved).error());
  active_ = std::move(*file);
  if (options_.direct) {
    auto reopened = open_for_appends(active_path_, disk::open_mode::existing);
    if (!reopened) return poison(std::move(reopened).error());
    active_ = std::move(*reopened);
  }
  number_ = number;
  salt_ = (*identity)->salt;
  end_ = durable_ = file_end_ = *table_.end_of(number);
  table_.set_active(number, active_, end_);
  return {};
}

} // namespace troupe
