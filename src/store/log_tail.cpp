#include "store/log_tail.hpp"

#include "store/disk.hpp"
#include "store/segment_scan.hpp"
#include "store/segment_table.hpp"

#include <algorithm>

namespace troupe {

using namespace log_format;

struct log_tail::step {
  bool here = false; // it is the segment that was asked for
  std::uint64_t end = 0;
  bool closing_record = false;
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

result<log_tail::step> log_tail::read_segment(
  const std::string& path, std::uint64_t number, bool closed, const log::on_entry& visit) {
  auto file = disk_.open(path, disk::open_mode::existing);
  if (!file) return std::move(file).error();
  auto bytes = (*file)->size();
  if (!bytes) return std::move(bytes).error();
  segment_reader reader{**file, *bytes, false};
  auto identity = identify_segment(reader);
  if (!identity) return std::move(identity).error();
  if (!*identity) return step{};
  if (number == 0) number = (*identity)->number; // the first one
  if ((*identity)->number != number) return step{};
  if (next_.segment == 0) next_ = {number, header_bytes};
  segment_scan scan{.identity = **identity, .from = next_.offset, .closed = closed, .skip_damage = false, .name = path};
  auto outcome = scan_segment(reader, scan, visit);
  if (!outcome) return std::move(outcome).error();
  return step{.here = true, .end = outcome->end, .closing_record = outcome->closing_record};
}

result<> log_tail::poll(const log::on_entry& visit) {
  for (;;) {
    auto closed = closed_segments();
    if (!closed) return std::move(closed).error();
    auto number = next_.segment == 0 && !closed->empty() ? closed->front() : next_.segment;
    const bool is_closed = std::ranges::binary_search(*closed, number);
    if (!is_closed) {
      auto there = disk_.exists(active_path());
      if (!there) return std::move(there).error();
      if (!*there) return {}; // none yet, or between two segments
    }
    auto got = read_segment(is_closed ? closed_path(number) : active_path(), number, is_closed, visit);
    if (!got) return std::move(got).error();
    if (!got->here) {
      if (is_closed) return fail(ec::corrupt, closed_path(number) + " is not the segment of its name");
      return {}; // it was rotated meanwhile: the next poll finds it closed
    }
    bytes_ = closed_bytes_ + got->end;
    next_.offset = got->end;
    if (!is_closed) return {};
    closed_bytes_ += got->end;
    next_ = {next_.segment + 1, header_bytes};
  }
}

result<std::pair<log_record, chunk>> log_tail::read(log_position at) const {
  auto path = closed_path(at.segment);
  auto there = disk_.exists(path);
  if (!there) return std::move(there).error();
  auto file = disk_.open(*there ? path : active_path(), disk::open_mode::existing);
  if (!file) return std::move(file).error();
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
