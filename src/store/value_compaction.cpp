#include "store/value_compaction.hpp"

#include "store/log_format.hpp"
#include "store/segment_scan.hpp"
#include "store/segment_table.hpp"

#include <limits>

namespace troupe {

namespace {
constexpr std::uint64_t end_of_segment = std::numeric_limits<std::uint64_t>::max();
} // namespace

std::optional<std::uint64_t> value_compaction::most_wasteful(const source& from) const {
  std::optional<std::uint64_t> found;
  double most = from.waste_max;
  for (auto& s : from.segments) {
    auto live = from.live.find(s.number);
    if (s.number == from.segments.back().number || live == from.live.end() || left_alone_.contains(s.number)) continue;
    auto waste = 1 - static_cast<double>(live->second) / static_cast<double>(std::max<std::uint64_t>(s.bytes, 1));
    if (waste < most) continue;
    most = waste;
    found = s.number;
  }
  return found;
}

result<> value_compaction::step(const source& from, std::uint64_t bytes, const log::on_entry& visit) {
  if (now_.segment != 0 && !from.live.contains(now_.segment)) now_ = {}; // nothing of it is needed any more
  if (now_.segment == 0) {
    auto next = most_wasteful(from);
    if (!next) return {};
    now_ = {*next, log_format::header_bytes};
  }
  auto path = segment_table{from.files, from.directory + "/wal.segments"}.closed_path(now_.segment);
  auto leave_alone = [&]() -> result<> {
    left_alone_.insert(now_.segment);
    durable_ = now_ = {};
    return {};
  };
  auto file = from.files.open(path, disk::open_mode::existing);
  auto size = file ? (*file)->size() : result<std::uint64_t>{file.error()};
  if (!size) return leave_alone();
  segment_reader reader{**file, *size, false};
  auto identity = identify_segment(reader);
  if (!identity || !*identity) return leave_alone();

  std::optional<error> failed;
  bool enough = false;
  auto start = now_.offset;
  segment_scan scan{.identity = **identity, .from = start, .closed = true, .skip_damage = false, .name = path};
  auto outcome = scan_segment(reader, scan, [&](const log_entry_view& e) -> result<> {
    if (e.position.offset - start >= bytes) {
      enough = true;
      now_.offset = e.position.offset;
      return fail(ec::closed, "enough for now");
    }
    auto ok = visit(e);
    if (!ok) failed = ok.error();
    return ok;
  });
  if (failed) return *failed;
  if (enough) return {};
  if (!outcome) return leave_alone();
  now_.offset = end_of_segment;
  return {};
}

void value_compaction::commit() {
  if (now_.offset == end_of_segment) {
    left_alone_.insert(now_.segment);
    now_ = {};
  }
  durable_ = now_;
}

void value_compaction::undo() { now_ = durable_; }

} // namespace troupe
