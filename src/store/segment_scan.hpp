// segment_scan: reads one segment file from front to back and tells records, torn tail and damage apart (the rules:
// docs/DISK.md). Reads only; what to do about its findings is log_open.cpp's.
#pragma once

#include "store/disk.hpp"
#include "store/log.hpp"
#include "store/log_format.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

// A window over a file. Tolerant: pages that the disk cannot read are zeros, and remembered.
class segment_reader {
public:
  segment_reader(const disk_file& file, std::uint64_t bytes, bool tolerant)
      : file_(file), bytes_(bytes), tolerant_(tolerant) {}
  // [offset, offset + n), cut off at the end of the file. Valid until the next call.
  result<bytes_view> at(std::uint64_t offset, std::uint64_t n);
  std::uint64_t bytes() const { return bytes_; }
  bool unreadable_at_or_after(std::uint64_t offset) const { return unreadable_end_ > offset; }

private:
  result<> load(std::uint64_t offset, std::uint64_t n);

  const disk_file& file_;
  std::uint64_t bytes_;
  bool tolerant_;
  std::uint64_t unreadable_end_ = 0;
  std::vector<std::byte> window_;
  std::uint64_t window_offset_ = 0;
};

// What a segment file says about itself. Without its opening record, the first record in it speaks for it.
struct segment_identity {
  std::uint64_t number = 0;
  std::uint64_t salt = 0;
  bool opening_record = false; // false: it is damaged
};
// Nothing: there is no record in the file. ec::incompatible: written by another version.
result<std::optional<segment_identity>> identify_segment(segment_reader&);

struct segment_scan {
  segment_identity identity;
  std::uint64_t from = log_format::header_bytes;
  bool closed = false; // a closed segment was wholly durable: it has no torn tail, only damage
  bool skip_damage = false;
  std::string name; // for messages
};

struct segment_scan_outcome {
  std::uint64_t end = 0;       // of the last record, or of the last damage
  bool closing_record = false; // found; it is not counted in `end`
  std::vector<log_damage> damage;
};

// on_record may stop the scan with an error.
result<segment_scan_outcome> scan_segment(segment_reader&, const segment_scan&, const log::on_entry& on_record);

} // namespace troupe
