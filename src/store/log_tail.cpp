#include "store/log_tail.hpp"

#include "store/disk.hpp"
#include "store/segment_scan.hpp"
#include "store/segment_table.hpp"

#include <algorithm>

namespace troupe {

using namespace log_format;

namespace {

constexpr int beginnings_max = 20; // while segments come and go

} // namespace

struct log_tail::step {
  std::uint64_t number = 0; // of the segment that it is; 0: its opening record is not there yet
  std::uint64_t end = 0;    // when it is the one that was asked for
};

std::string log_tail::closed_path(std::uint64_t number) const {
  return segment_table{disk_, directory_ + "/wal.segments"}.closed_path(number);
}

result<std::vector<std::uint64_t>> log_tail::closed_segments() const {
  auto names = disk_.list(directory_ + "/wal.segments");
  if (!names) return std::move(names).error();
  std::vector<std::uint64_t> numbers;
  for (const auto& name : *names)
    if (auto number = segment_number(name)) numbers.push_back(*number);
  std::ranges::sort(numbers);
  return numbers;
}

// 0: there is none, or its opening record is not there yet.
result<std::uint64_t> log_tail::active_number() const {
  auto there = disk_.exists(active_path());
  if (!there) return std::move(there).error();
  if (!*there) return 0;
  auto file = disk_.open(active_path(), disk::open_mode::existing);
  if (!file && file.error().code == ec::not_found) return 0;
  if (!file) return std::move(file).error();
  auto bytes = (*file)->size();
  if (!bytes) return std::move(bytes).error();
  segment_reader reader{**file, *bytes, false};
  auto identity = identify_segment(reader);
  if (!identity) return std::move(identity).error();
  return *identity ? (*identity)->number : 0;
}

error log_tail::gone() const {
  return fail(ec::not_found,
    directory_ + ": segment " + std::to_string(next_.segment) + " was removed before it was read; read the log anew");
}

// The log as it was at one moment: closed segments, all of them held open, and the active one. It was one moment when the
// active one is the same before and after.
result<> log_tail::begin() {
  for (int attempt = 0; attempt < beginnings_max; ++attempt) {
    listed_.clear();
    auto before = active_number();
    if (!before) return std::move(before).error();
    auto closed = closed_segments();
    if (!closed) return std::move(closed).error();
    bool all = true;
    for (auto number : *closed) {
      auto file = disk_.open(closed_path(number), disk::open_mode::existing);
      if (!file && file.error().code != ec::not_found) return std::move(file).error();
      all = all && file;
      if (!all) break;
      listed_.push_back({number, std::move(*file)});
    }
    auto after = active_number();
    if (!after) return std::move(after).error();
    if (!all || *before != *after) continue;
    const auto last = closed->empty() ? 0 : closed->back();
    if (last == 0 && *after == 0) return {}; // no log yet
    next_ = {std::max(*after, last + 1), header_bytes};
    begun_ = true;
    return {};
  }
  listed_.clear();
  return fail(ec::not_found, directory_ + ": segments come and go while they are listed");
}

result<log_tail::step> log_tail::read_part(
  const part& p, const std::string& path, bool closed, const log::on_entry& visit) {
  auto bytes = p.file->size();
  if (!bytes) return std::move(bytes).error();
  segment_reader reader{*p.file, *bytes, false};
  auto identity = identify_segment(reader);
  if (!identity) return std::move(identity).error();
  if (!*identity) return step{};
  if ((*identity)->number != p.number) return step{.number = (*identity)->number, .end = 0};
  const auto from = p.number == next_.segment ? next_.offset : header_bytes;
  segment_scan scan{.identity = **identity, .from = from, .closed = closed, .skip_damage = false, .name = path};
  auto outcome = scan_segment(reader, scan, visit);
  if (!outcome) return std::move(outcome).error();
  read_[p.number] = outcome->end;
  return step{.number = p.number, .end = outcome->end};
}

result<> log_tail::poll(const log::on_entry& visit) {
  if (!begun_) TROUPE_TRY(begin());
  if (!begun_) return {};
  const auto read_closed = [&](const part& p) -> result<> {
    const auto path = closed_path(p.number);
    auto got = read_part(p, path, true, visit);
    if (!got) return std::move(got).error();
    if (got->number != p.number) return fail(ec::corrupt, path + " is not the segment of its name");
    return {};
  };
  for (; !listed_.empty(); listed_.pop_front()) TROUPE_TRY(read_closed(listed_.front()));
  for (bool later = false;;) { // later: the active segment is one behind the next one, which is closed or gone, then
    auto closed = closed_segments();
    if (!closed) return std::move(closed).error();
    const auto at = std::ranges::lower_bound(*closed, next_.segment);
    if (at != closed->end()) {
      if (*at != next_.segment) return gone();
      auto file = disk_.open(closed_path(*at), disk::open_mode::existing);
      if (!file) return std::move(file).error();
      TROUPE_TRY(read_closed({*at, std::move(*file)}));
      next_ = {next_.segment + 1, header_bytes};
      later = false;
      continue;
    }
    if (later) return gone();
    count_bytes(*closed);
    auto file = disk_.open(active_path(), disk::open_mode::existing);
    if (!file && file.error().code == ec::not_found) return {}; // none yet, or between two segments
    if (!file) return std::move(file).error();
    auto got = read_part({next_.segment, std::move(*file)}, active_path(), false, visit);
    if (!got) return std::move(got).error();
    if (got->number == next_.segment) {
      next_.offset = got->end;
      count_bytes(*closed);
      return {};
    }
    if (got->number < next_.segment) return {}; // a rotation is under way
    later = true;
  }
}

void log_tail::count_bytes(const std::vector<std::uint64_t>& closed) {
  std::erase_if(
    read_, [&](const auto& s) { return s.first < next_.segment && !std::ranges::binary_search(closed, s.first); });
  bytes_ = 0;
  for (const auto& s : read_) bytes_ += s.second;
}

result<std::pair<log_record, chunk>> log_tail::read(log_position at) const {
  auto path = closed_path(at.segment);
  auto there = disk_.exists(path);
  if (!there) return std::move(there).error();
  auto file = disk_.open(*there ? path : active_path(), disk::open_mode::existing);
  if (!file) return std::move(file).error();
  auto bytes = (*file)->size();
  if (!bytes) return std::move(bytes).error();
  if (*bytes < at.offset + header_bytes) return fail(ec::not_found, path + ": the record is not there any more");
  header_block block;
  TROUPE_TRY((*file)->read_at(at.offset, block));
  auto h = decode(block, at.offset);
  if (!h || h->segment != static_cast<std::uint32_t>(at.segment))
    return fail(ec::not_found, path + ": the record is not there any more");
  result<> outcome;
  auto payload = chunk::make(h->payload_bytes, [&](std::byte* p, std::size_t n) {
    outcome = (*file)->read_at(at.offset + header_bytes, {p, n});
  });
  TROUPE_TRY(outcome);
  if (auto view = payload.view(); payload_checksum({&view, 1}) != h->payload_crc)
    return fail(ec::corrupt, path + ": the payload does not match its checksum");
  return std::pair{h->record, std::move(payload)};
}

} // namespace troupe
