// Opening: what is in the directory, what of it counts, and putting right what a crash left behind (rules: docs/DISK.md).

#include "store/file_log.hpp"
#include "store/segment_scan.hpp"

#include <algorithm>

namespace troupe {

using namespace log_format;

namespace {

constexpr std::uint64_t segment_bytes_max = std::uint64_t{2} << 30; // offsets are kept in 32 bits

struct opened_file {
  std::shared_ptr<disk_file> file;
  std::uint64_t bytes = 0;
};

result<opened_file> open_existing(disk& d, const std::string& path) {
  auto file = d.open(path, disk::open_mode::existing);
  if (!file) return std::move(file).error();
  auto bytes = (*file)->size();
  if (!bytes) return std::move(bytes).error();
  return opened_file{std::move(*file), *bytes};
}

error name_it(error e, const std::string& path) {
  e.message = path + ": " + e.message;
  return e;
}

} // namespace

result<std::unique_ptr<log>> log::open(disk& d, log_options options, log_position from, const on_entry& visit) {
  if (options.segment_bytes > segment_bytes_max || options.payload_bytes_max > chunk::bytes_max)
    return fail(ec::bad_argument, options.directory + ": segments of over 2 GiB, or payloads of over 16 MiB");
  auto made = std::make_unique<file_log>(d, std::move(options));
  TROUPE_TRY(made->open(from, visit));
  return std::unique_ptr<log>{std::move(made)};
}

result<> file_log::open(log_position from, const on_entry& visit) {
  if (!options_.directory.empty()) TROUPE_TRY(disk_.make_directory(options_.directory));
  TROUPE_TRY(disk_.make_directory(closed_directory_));
  auto closed = list_closed();
  if (!closed) return std::move(closed).error();
  for (auto number : *closed) TROUPE_TRY(open_closed(number, from, visit));
  TROUPE_TRY(open_active_file(closed->empty() ? 0 : closed->back(), from, visit));
  return expect_end_after(from);
}

result<std::vector<std::uint64_t>> file_log::list_closed() const {
  auto names = disk_.list(closed_directory_);
  if (!names) return std::move(names).error();
  std::vector<std::uint64_t> numbers;
  for (auto& name : *names) {
    // Under this name, or under wal.active at once: what it holds nobody knows.
    if (name.ends_with(spare_suffix)) TROUPE_TRY(disk_.remove(closed_directory_ + "/" + name));
    if (auto number = segment_number(name)) numbers.push_back(*number);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

result<> file_log::open_closed(std::uint64_t number, log_position from, const on_entry& visit) {
  auto path = table_.closed_path(number);
  auto opened = open_existing(disk_, path);
  if (!opened) return std::move(opened).error();
  if (number < from.segment) {
    table_.add_closed(number, opened->bytes - std::min(opened->bytes, header_bytes)); // less the closing record
    return {};
  }
  segment_reader reader{*opened->file, opened->bytes, options_.skip_damage};
  auto identity = identify_segment(reader);
  if (!identity) return name_it(std::move(identity).error(), path);
  auto known = *identity && (*identity)->number == number;
  if (!known || !(*identity)->opening_record)
    TROUPE_TRY(
      report(number, known ? header_bytes : opened->bytes, "the opening record is damaged, or another segment's"));
  table_.add_closed(number, opened->bytes);
  if (!known) return {};
  segment_scan scan{.identity = **identity,
    .from = number == from.segment ? from.offset : header_bytes,
    .closed = true,
    .skip_damage = options_.skip_damage,
    .name = path};
  auto outcome = scan_segment(reader, scan, visit);
  if (!outcome) return std::move(outcome).error();
  table_.add_closed(number, outcome->end);
  damage_.insert(damage_.end(), outcome->damage.begin(), outcome->damage.end());
  return {};
}

// Makes wal.active the log's tail, or starts one.
result<> file_log::open_active_file(std::uint64_t last_closed, log_position from, const on_entry& visit) {
  auto next = std::max({last_closed + 1, from.segment, std::uint64_t{1}});
  auto there = disk_.exists(active_path_);
  if (!there) return std::move(there).error();
  if (!*there) return start_unless_full(next);
  auto opened = open_existing(disk_, active_path_);
  if (!opened) return std::move(opened).error();
  segment_reader reader{*opened->file, opened->bytes, options_.skip_damage};
  auto identity = identify_segment(reader);
  if (!identity) return name_it(std::move(identity).error(), active_path_);
  if (!*identity) return start_unless_full(next); // a crash came before its opening record was on disk
  auto number = (*identity)->number;
  if (number <= last_closed) {
    // A crash during rotation left both names. The same file, then: anything else is damage.
    auto closed = open_existing(disk_, table_.closed_path(number));
    if (!closed) return std::move(closed).error();
    segment_reader other{*closed->file, closed->bytes, options_.skip_damage};
    auto twin = identify_segment(other);
    if (!twin) return name_it(std::move(twin).error(), table_.closed_path(number));
    auto same = *twin && (*twin)->salt == (*identity)->salt && closed->bytes == opened->bytes;
    if (!same) TROUPE_TRY(report(number, opened->bytes, "wal.active has the number of another, closed segment"));
    TROUPE_TRY(same ? disk_.remove(active_path_) : disk_.rename(active_path_, active_path_ + ".damaged"));
    TROUPE_TRY(disk_.sync_directory(options_.directory)); // before anything is written under that name
    return start_unless_full(next);
  }
  return adopt_active(reader, std::move(opened->file), **identity, from, visit);
}

result<> file_log::adopt_active(segment_reader& reader, std::shared_ptr<disk_file> file,
  const segment_identity& identity, log_position from, const on_entry& visit) {
  auto number = identity.number;
  // It was durable before the record that was found.
  if (!identity.opening_record) TROUPE_TRY(report(number, header_bytes, "the opening record is damaged"));
  // Replay from `from`; when the file does not reach that far, only look for its end.
  auto short_file = number == from.segment && from.offset > reader.bytes();
  auto skip_all = number < from.segment || short_file;
  segment_scan scan{.identity = identity,
    .from = number == from.segment && !short_file ? from.offset : header_bytes,
    .closed = false,
    .skip_damage = options_.skip_damage,
    .name = active_path_};
  auto outcome = scan_segment(reader, scan, skip_all ? on_entry{} : visit);
  if (!outcome) return std::move(outcome).error();
  damage_.insert(damage_.end(), outcome->damage.begin(), outcome->damage.end());

  active_ = std::move(file);
  if (options_.direct) {
    auto reopened = open_for_appends(active_path_, disk::open_mode::existing);
    if (!reopened) return std::move(reopened).error();
    active_ = std::move(*reopened);
  }
  number_ = number;
  salt_ = identity.salt;
  end_ = outcome->end;
  table_.set_active(number_, active_, end_);
  auto kept = outcome->closing_record ? end_ + header_bytes : end_;
  if (reader.bytes() != kept) // a torn tail, or the zeros ahead
    if (auto ok = active_->truncate(kept); !ok) return poison(std::move(ok).error());
  // What was read may be in the page cache only.
  TROUPE_TRY(gate_->run({&active_, 1}));
  durable_ = file_end_ = end_;
  if (!outcome->closing_record) return disk_.sync_directory(options_.directory);
  TROUPE_TRY(retire_active_file()); // finishes a rotation
  return start_unless_full(std::max(number_, from.segment));
}

// Positions are never used twice: behind a loss, the log goes on in a new segment.
result<> file_log::expect_end_after(log_position from) {
  if (end() >= from) return {};
  std::string what = "the log ends at offset " + std::to_string(end_) + " of segment " + std::to_string(number_) +
    ", before the position that was known durable, " + std::to_string(from.segment) + "/" + std::to_string(from.offset);
  if (!options_.skip_damage) return fail(ec::corrupt, active_path_ + ": " + what);
  damage_.push_back({.position = end(), .bytes = 0, .what = what});
  if (active_) TROUPE_TRY(close_active());
  return start_unless_full(from.segment + 1);
}

result<> file_log::report(std::uint64_t number, std::uint64_t bytes, std::string what) {
  if (!options_.skip_damage)
    return fail(ec::corrupt, closed_directory_ + ", segment " + std::to_string(number) + ", offset 0: " + what);
  damage_.push_back({.position = {number, 0}, .bytes = bytes, .what = std::move(what)});
  return {};
}

// A full disk must not keep anybody from reading.
result<> file_log::start_unless_full(std::uint64_t number) {
  auto started = start_segment(number);
  if (!started && started.error().code == ec::no_space) return {};
  return started;
}

} // namespace troupe
