#include "store/segment_scan.hpp"

#include <algorithm>

namespace troupe {

using namespace log_format;

namespace {

constexpr std::uint64_t window_bytes = std::uint64_t{1} << 20;
constexpr std::uint64_t page_bytes = 4096;

struct found_record {
  std::uint64_t offset = 0;
  log_format::header header;
};

class scanner {
public:
  scanner(segment_reader& reader, const segment_scan& scan, const log::on_entry& on_record)
      : reader_(reader), scan_(scan), on_record_(on_record) {}

  result<segment_scan_outcome> run() {
    auto& at = out_.end;
    at = std::max(scan_.from, header_bytes);
    while (at < reader_.bytes()) {
      auto header = header_at(at);
      if (!header) return std::move(header).error();
      std::string what = "no record here";
      if (*header) {
        auto payload = reader_.at(at + header_bytes, (*header)->payload_bytes);
        if (!payload) return std::move(payload).error();
        if (payload->size() < (*header)->payload_bytes) {
          what = "the record's payload ends early";
        } else if (auto view = *payload; payload_checksum({&view, 1}) != (*header)->payload_crc) {
          what = "the payload does not match its checksum";
        } else if ((*header)->record.type == own_type) {
          out_.closing_record = true;
          return finish();
        } else {
          TROUPE_TRY(deliver(at, **header, view));
          at += record_bytes((*header)->payload_bytes);
          continue;
        }
      }
      // Also through its payload: what follows may have been appended over a record that was never whole.
      auto next = next_record(at + alignment);
      if (!next) return std::move(next).error();
      auto vouched = is_vouched(at, *next);
      if (!vouched) return std::move(vouched).error();
      if (!*vouched) return finish();
      auto end = *next ? (*next)->offset : (reader_.bytes() + alignment - 1) / alignment * alignment;
      TROUPE_TRY(report(at, end - at, what));
      at = end;
    }
    return finish();
  }

private:
  result<segment_scan_outcome> finish() {
    if (scan_.closed && !out_.closing_record && out_.damage.empty())
      TROUPE_TRY(report(out_.end, 0, "the closing record is missing"));
    return std::move(out_);
  }

  result<> deliver(std::uint64_t offset, const log_format::header& h, bytes_view payload) {
    if (!on_record_) return {};
    return on_record_({.position = {scan_.identity.number, offset},
      .record = h.record,
      .payload_bytes = h.payload_bytes,
      .payload = payload});
  }

  result<> report(std::uint64_t offset, std::uint64_t bytes, const std::string& what) {
    if (!scan_.skip_damage)
      return fail(ec::corrupt,
        scan_.name + ", segment " + std::to_string(scan_.identity.number) + ", offset " + std::to_string(offset) +
          ": " + what + ", before records that prove it was there");
    out_.damage.push_back({.position = {scan_.identity.number, offset}, .bytes = bytes, .what = what});
    return {};
  }

  // Of this segment, and no opening record.
  result<std::optional<log_format::header>> header_at(std::uint64_t offset) {
    auto block = reader_.at(offset, header_bytes);
    if (!block) return std::move(block).error();
    auto h = decode(*block, offset);
    if (h && (h->salt != scan_.identity.salt || h->segment != static_cast<std::uint32_t>(scan_.identity.number)))
      h.reset();
    if (h && h->record.type == own_type &&
      (h->record.n2 != static_cast<std::uint64_t>(mark::closing) || h->payload_bytes != 0))
      h.reset();
    return h;
  }

  result<std::optional<found_record>> next_record(std::uint64_t offset) {
    for (; offset + header_bytes <= reader_.bytes(); offset += alignment) {
      auto h = header_at(offset);
      if (!h) return std::move(h).error();
      if (*h) return found_record{offset, **h};
    }
    return std::optional<found_record>{};
  }

  // Does a later record say that this offset was on disk? `next` is the first one after it.
  result<bool> is_vouched(std::uint64_t offset, std::optional<found_record> next) {
    if (scan_.closed) return true;
    if (!vouched_end_) {
      vouched_end_ = 0;
      while (next) {
        vouched_end_ = std::max(*vouched_end_, std::uint64_t{next->header.durable});
        auto following = next_record(next->offset + header_bytes);
        if (!following) return std::move(following).error();
        next = *following;
      }
    }
    if (offset < *vouched_end_) return true;
    // Nobody knows what was in a page that the disk cannot read.
    return reader_.unreadable_at_or_after(offset);
  }

  segment_reader& reader_;
  const segment_scan& scan_;
  const log::on_entry& on_record_;
  segment_scan_outcome out_;
  std::optional<std::uint64_t> vouched_end_; // by any record of the rest: found at the first bad one
};

} // namespace

result<bytes_view> segment_reader::at(std::uint64_t offset, std::uint64_t n) {
  if (offset >= bytes_) return bytes_view{};
  n = std::min(n, bytes_ - offset);
  if (offset < window_offset_ || offset + n > window_offset_ + window_.size())
    TROUPE_TRY(load(offset, std::min(std::max(n, window_bytes), bytes_ - offset)));
  return bytes_view{window_}.subspan(static_cast<std::size_t>(offset - window_offset_), static_cast<std::size_t>(n));
}

result<> segment_reader::load(std::uint64_t offset, std::uint64_t n) {
  window_.resize(static_cast<std::size_t>(n));
  window_offset_ = offset;
  auto whole = file_.read_at(offset, window_);
  if (whole || !tolerant_ || whole.error().code != ec::io_error) {
    if (!whole) window_.clear();
    return whole;
  }
  for (std::uint64_t at = 0; at < n;) { // page by page of the file, around the unreadable ones
    auto step = std::min(n - at, page_bytes - (offset + at) % page_bytes);
    auto page = bytes_span{window_}.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(step));
    if (!file_.read_at(offset + at, page)) {
      std::fill(page.begin(), page.end(), std::byte{0});
      unreadable_end_ = std::max(unreadable_end_, offset + at + step);
    }
    at += step;
  }
  return {};
}

result<std::optional<segment_identity>> identify_segment(segment_reader& reader) {
  for (std::uint64_t offset = 0; offset + header_bytes <= reader.bytes(); offset += alignment) {
    auto block = reader.at(offset, header_bytes);
    if (!block) return std::move(block).error();
    if (offset == 0 && is_other_version(*block, 0)) return fail(ec::incompatible, "unknown log format version");
    auto h = decode(*block, offset);
    if (!h) continue;
    if (offset != 0) return segment_identity{.number = h->segment, .salt = h->salt, .opening_record = false};
    if (h->record.type == own_type && h->record.n1 == h->segment &&
      h->record.n2 == static_cast<std::uint64_t>(mark::opening))
      return segment_identity{.number = h->segment, .salt = h->salt, .opening_record = true};
  }
  return std::optional<segment_identity>{};
}

result<segment_scan_outcome> scan_segment(
  segment_reader& reader, const segment_scan& scan, const log::on_entry& on_record) {
  return scanner{reader, scan, on_record}.run();
}

} // namespace troupe
