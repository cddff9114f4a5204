// checksum: S3's additional checksums: CRC32, CRC32C and CRC64NVME as functions that can be continued and combined,
// and all five (with SHA-1 and SHA-256) computed side by side over one stream.
// CRC32 and CRC32C are ISA-L's; CRC64NVME is ours (crc64nvme.cpp), as ISA-L 2.30 does not have it.
#pragma once

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "codec/checksum_set.hpp"
#include "codec/digest.hpp"

#include <cstdint>
#include <optional>
#include <span>

namespace troupe {

// Each continues from `crc`, the value of what came before: crc32(b, crc32(a)) is crc32 of a followed by b.
std::uint32_t crc32(bytes_view, std::uint32_t crc = 0) noexcept;
std::uint32_t crc32c(bytes_view, std::uint32_t crc = 0) noexcept;
std::uint64_t crc64nvme(bytes_view, std::uint64_t crc = 0) noexcept;

// The value of a followed by b, from the values of both and the length of b. O(log length).
std::uint32_t crc32_combine(std::uint32_t a, std::uint32_t b, std::uint64_t length_b) noexcept;
std::uint32_t crc32c_combine(std::uint32_t a, std::uint32_t b, std::uint64_t length_b) noexcept;
std::uint64_t crc64nvme_combine(std::uint64_t a, std::uint64_t b, std::uint64_t length_b) noexcept;

// Bytes of a raw value: 4, 4, 8, 20, 32.
std::size_t raw_bytes(checksum_kind) noexcept;

class checksum_state {
public:
  explicit checksum_state(checksum_set);
  void add(bytes_view);
  // Raw big-endian values of the wanted kinds; starts anew.
  checksum_values finish();

private:
  checksum_set wanted_;
  std::uint32_t crc32_ = 0, crc32c_ = 0;
  std::uint64_t crc64nvme_ = 0;
  std::optional<digest> sha1_, sha256_;
};

// S3's COMPOSITE checksum of a multipart object: the checksum of the parts' raw values, one after another. S3 shows
// it as base64 followed by "-<number of parts>".
std::string composite_checksum(checksum_kind, std::span<const std::string> raw_parts);

struct part_checksum {
  std::string raw;
  std::uint64_t size = 0; // of the part's content
};
// S3's FULL_OBJECT checksum, from the parts' own: the CRCs only. bad_argument for SHA-1 and SHA-256, which cannot be
// combined, and for a raw value of the wrong length.
result<std::string> full_object_checksum(checksum_kind, std::span<const part_checksum> parts);

} // namespace troupe
