// checksum_set: which of S3's additional checksums are wanted, and their values.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace troupe {

// S3's names: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
enum class checksum_kind : std::uint8_t { crc32, crc32c, crc64nvme, sha1, sha256 };
inline constexpr std::size_t checksum_kinds = 5;

// "CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"
std::string_view name_of(checksum_kind) noexcept;
// By S3's name, any case; nothing for an unknown one.
std::optional<checksum_kind> checksum_kind_named(std::string_view) noexcept;

class checksum_set {
public:
  void add(checksum_kind k) noexcept { bits_ = static_cast<std::uint8_t>(bits_ | (1u << static_cast<unsigned>(k))); }
  bool has(checksum_kind k) const noexcept { return (bits_ >> static_cast<unsigned>(k)) & 1u; }
  bool empty() const noexcept { return bits_ == 0; }
  friend bool operator==(const checksum_set&, const checksum_set&) = default;

private:
  std::uint8_t bits_ = 0;
};

// Raw big-endian bytes per kind, as S3 base64-encodes them; empty where not computed.
class checksum_values {
public:
  const std::string& get(checksum_kind k) const { return values_[static_cast<std::size_t>(k)]; }
  void set(checksum_kind k, std::string raw) { values_[static_cast<std::size_t>(k)] = std::move(raw); }

private:
  std::array<std::string, checksum_kinds> values_;
};

} // namespace troupe
