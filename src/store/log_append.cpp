// Appending, syncing, rotating and reading back. What may fail, and in which state that leaves the log: an error of a
// write, sync or rename closes it for appends (only opening it again finds out what is on the disk); a full disk does not.

#include "base/environment.hpp"
#include "store/file_log.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace troupe {

using namespace log_format;

namespace {

// With more than this between two syncs on average, the file's size is the smaller part of what a sync writes. One small
// batch among large ones does not count: zeros for 256 KiB would be most of what is written.
constexpr std::uint64_t small_batch_bytes = std::uint64_t{32} << 10;
constexpr std::array<std::byte, std::size_t{64} << 10> zeros{};

std::string place(const std::string& path, log_position p) {
  return path + ": segment " + std::to_string(p.segment) + ", offset " + std::to_string(p.offset);
}

} // namespace

file_log::file_log(disk& d, log_options options)
    : disk_(d),
      options_(std::move(options)),
      active_path_(options_.directory.empty() ? "wal.active" : options_.directory + "/wal.active"),
      closed_directory_(options_.directory.empty() ? "wal.segments" : options_.directory + "/wal.segments"),
      table_(d, closed_directory_) {}

result<> log::sync() {
  auto ticket = prepare_sync();
  auto outcome = ticket.run();
  synced(ticket, outcome);
  return outcome;
}

result<> file_log::check_open() const {
  auto failed = gate_->closed();
  if (failed) return fail(ec::closed, active_path_ + " takes no appends after an error: " + failed->message);
  return {};
}

result<> file_log::poison(error why) {
  gate_->close(why);
  return why;
}

// A full disk is no reason to stop: what was written in part is cut off again.
result<> file_log::undo_write(error why) {
  if (why.code != ec::no_space) return poison(std::move(why));
  if (auto ok = active_->truncate(end_); !ok) return poison(std::move(ok).error());
  file_end_ = end_;
  return why;
}

result<log_position> file_log::append(const log_record& record, std::span<const bytes_view> payload) {
  TROUPE_TRY(check_open());
  std::uint64_t bytes = 0;
  for (auto b : payload) bytes += b.size();
  if (record.type == own_type) return fail(ec::bad_argument, active_path_ + ": a record needs a type from 1 to 255");
  if (bytes > options_.payload_bytes_max)
    return fail(ec::too_large,
      active_path_ + ": a payload of " + std::to_string(bytes) + " bytes, over " +
        std::to_string(options_.payload_bytes_max));
  if (active_ && end_ >= options_.segment_bytes) TROUPE_TRY(rotate());
  if (!active_) TROUPE_TRY(start_segment(number_));

  log_format::header h{.record = record,
    .segment = static_cast<std::uint32_t>(number_),
    .payload_bytes = static_cast<std::uint32_t>(bytes),
    .durable = static_cast<std::uint32_t>(durable_),
    .salt = salt_,
    .payload_crc = payload_checksum(payload)};
  auto block = encode(h, end_);
  auto total = record_bytes(bytes);
  std::vector<bytes_view> buffers;
  buffers.reserve(payload.size() + 2);
  buffers.emplace_back(block);
  buffers.insert(buffers.end(), payload.begin(), payload.end());
  buffers.emplace_back(zeros.data(), static_cast<std::size_t>(total - header_bytes - bytes));
  if (auto ok = active_->write_at(end_, buffers); !ok) return undo_write(std::move(ok).error()).error();

  log_position at{number_, end_};
  end_ += total;
  file_end_ = std::max(file_end_, end_);
  table_.set_end(end_);
  return at;
}

result<file_log::found_record> file_log::find(log_position at) const {
  auto segment = table_.open(at.segment);
  if (!segment) return std::move(segment).error();
  if (at.offset < header_bytes || at.offset % alignment != 0)
    return fail(ec::bad_argument, place(closed_directory_, at) + ": no record starts there");
  if (segment->end < at.offset + header_bytes)
    return fail(ec::not_found, place(closed_directory_, at) + ": behind the end");
  header_block block;
  TROUPE_TRY(segment->file->read_at(at.offset, block));
  auto h = decode(block, at.offset);
  if (!h || h->segment != static_cast<std::uint32_t>(at.segment))
    return fail(ec::corrupt, place(closed_directory_, at) + ": no record here");
  if (segment->end < at.offset + header_bytes + h->payload_bytes)
    return fail(ec::corrupt, place(closed_directory_, at) + ": the record reaches behind the segment's end");
  return found_record{std::move(segment->file), *h};
}

result<std::pair<log_record, chunk>> file_log::read(log_position at) const {
  auto found = find(at);
  if (!found) return std::move(found).error();
  result<> outcome;
  auto payload = chunk::make(found->header.payload_bytes, [&](std::byte* p, std::size_t n) {
    outcome = found->file->read_at(at.offset + header_bytes, {p, n});
  });
  TROUPE_TRY(outcome);
  if (auto view = payload.view(); payload_checksum({&view, 1}) != found->header.payload_crc)
    return fail(ec::corrupt, place(closed_directory_, at) + ": the payload does not match its checksum");
  return std::pair{found->header.record, std::move(payload)};
}

log_sync file_log::prepare_sync() {
  std::vector<std::shared_ptr<disk_file>> files;
  if (end_ > durable_ && !gate_->closed()) {
    if (auto ok = zeros_ahead(); !ok) gate_->close(ok.error());
    files.push_back(active_);
  }
  return {std::move(files), end(), gate_, generation_};
}

// The next syncs then find the file's size as it was (measured: bench/log.cpp).
result<> file_log::zeros_ahead() {
  auto room = options_.segment_bytes - std::min(end_, options_.segment_bytes);
  auto bytes = std::min<std::uint64_t>(options_.zeros_ahead_bytes, room);
  batch_bytes_ = (3 * batch_bytes_ + (end_ - durable_)) / 4;
  if (end_ < file_end_ || batch_bytes_ > small_batch_bytes || bytes == 0) return {};
  std::vector<bytes_view> buffers;
  for (auto left = bytes; left > 0; left -= buffers.back().size())
    buffers.emplace_back(zeros.data(), static_cast<std::size_t>(std::min<std::uint64_t>(left, zeros.size())));
  if (auto ok = active_->write_at(end_, buffers); !ok) {
    if (ok.error().code != ec::no_space) return ok;
    return active_->truncate(end_);
  }
  file_end_ = end_ + bytes;
  return {};
}

void file_log::synced(const log_sync& ticket, const result<>& outcome) {
  if (!outcome) return gate_->close(outcome.error());
  if (ticket.generation() != generation_ || ticket.end().segment != number_ || gate_->closed()) return;
  durable_ = std::max(durable_, ticket.end().offset);
}

result<> file_log::write_own_record(mark m, std::uint64_t offset) {
  auto block = encode({.record = {.type = own_type, .id = {}, .n1 = number_, .n2 = static_cast<std::uint64_t>(m)},
                        .segment = static_cast<std::uint32_t>(number_),
                        .payload_bytes = 0,
                        .durable = static_cast<std::uint32_t>(offset == 0 ? 0 : durable_),
                        .salt = salt_,
                        .payload_crc = payload_checksum({})},
    offset);
  bytes_view view{block};
  return active_->write_at(offset, {&view, 1});
}

result<> file_log::rotate() {
  TROUPE_TRY(check_open());
  if (!active_) return start_segment(number_);
  if (end_ == header_bytes) return {};
  TROUPE_TRY(close_active());
  return start_segment(number_);
}

// Everything in it is durable before it gets its final name: a closed segment has no torn tail.
result<> file_log::close_active() {
  if (auto ok = write_own_record(mark::closing, end_); !ok) return undo_write(std::move(ok).error());
  if (options_.direct || file_end_ > end_ + header_bytes) // zeros behind the end
    if (auto ok = active_->truncate(end_ + header_bytes); !ok) return poison(std::move(ok).error());
  TROUPE_TRY(gate_->run({&active_, 1}));
  return retire_active_file();
}

result<> file_log::retire_active_file() {
  // The new name first: a crash in between may leave both, never none.
  if (auto ok = disk_.rename(active_path_, table_.closed_path(number_)); !ok) return poison(std::move(ok).error());
  for (auto& directory : {closed_directory_, options_.directory})
    if (auto ok = disk_.sync_directory(directory); !ok) return poison(std::move(ok).error());
  table_.close_active(end_);
  active_.reset();
  ++number_;
  end_ = durable_ = file_end_ = header_bytes;
  return {};
}

result<std::shared_ptr<disk_file>> file_log::open_for_appends(const std::string& path, disk::open_mode mode) {
  return options_.direct ? disk_.open_direct(path, mode) : disk_.open(path, mode);
}

result<> file_log::make_active_file() {
  auto file = open_for_appends(active_path_, disk::open_mode::create);
  if (!file) return std::move(file).error();
  active_ = std::move(*file);
  TROUPE_TRY(active_->truncate(0));
  TROUPE_TRY(write_own_record(mark::opening, 0));
  return gate_->run({&active_, 1});
}

// It gets its name once its opening record is on disk: before, it calls itself the segment that it was. Records of that
// one stay behind the new ones; their salt is another.
result<> file_log::reuse_spare() {
  auto path = std::move(spares_.back());
  spares_.pop_back();
  auto file = open_for_appends(path, disk::open_mode::existing);
  if (!file) return std::move(file).error();
  auto bytes = (*file)->size();
  if (!bytes) return std::move(bytes).error();
  active_ = std::move(*file);
  TROUPE_TRY(active_->start_over());
  TROUPE_TRY(write_own_record(mark::opening, 0));
  TROUPE_TRY(gate_->run({&active_, 1}));
  file_end_ = std::max(file_end_, *bytes);
  return disk_.rename(path, active_path_);
}

// The opening record is on disk before anything is appended. After ec::no_space: as if it had not been called.
result<> file_log::start_segment(std::uint64_t number) {
  if (number > std::numeric_limits<std::uint32_t>::max())
    return poison(fail(ec::bad_argument, active_path_ + ": no segment has the number " + std::to_string(number)));
  number_ = number;
  end_ = durable_ = file_end_ = header_bytes;
  auto& random = options_.random != nullptr ? *options_.random : system_entropy();
  random.fill(std::as_writable_bytes(std::span{&salt_, 1}));
  auto made = spares_.empty() ? make_active_file() : reuse_spare();
  if (!made) {
    active_.reset();
    if (made.error().code == ec::no_space) return made;
    return poison(std::move(made).error());
  }
  if (auto ok = disk_.sync_directory(options_.directory); !ok) return poison(std::move(ok).error());
  table_.set_active(number_, active_, end_);
  return {};
}

} // namespace troupe
