// log_format: the bytes of a log record's header (grammar: docs/DISK.md). Pure: no files, no policy.
#pragma once

#include "base/bytes.hpp"
#include "store/log.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace troupe::log_format {

constexpr std::uint64_t header_bytes = 64;
constexpr std::uint64_t alignment = 8; // of every header
// The log's own records have this type: n1 = segment number, n2 = one of mark.
constexpr std::uint8_t own_type = 0;
// A removed segment's file that waits for the next one (log_options::spare_segments).
constexpr std::string_view spare_suffix = ".spare";
enum class mark : std::uint64_t { opening = 0, closing = 1 };

struct header {
  log_record record;
  std::uint32_t segment = 0; // low 32 bits of the number
  std::uint32_t payload_bytes = 0;
  std::uint32_t durable = 0; // everything before this offset of the segment was on disk when this was appended
  std::uint64_t salt = 0;    // the segment's, random: a payload that looks like a record does not know it
  std::uint32_t payload_crc = 0;
  friend bool operator==(const header&, const header&);
};

using header_block = std::array<std::byte, header_bytes>;

// The header's checksum covers `offset` too, so a record that was written to the wrong place is not one.
header_block encode(const header&, std::uint64_t offset);
std::optional<header> decode(bytes_view block, std::uint64_t offset);
// A whole header, of a format version that this build does not know.
bool is_other_version(bytes_view block, std::uint64_t offset);

// Header, payload and padding.
constexpr std::uint64_t record_bytes(std::uint64_t payload_bytes) {
  return (header_bytes + payload_bytes + alignment - 1) / alignment * alignment;
}

std::uint32_t payload_checksum(std::span<const bytes_view>);

} // namespace troupe::log_format
