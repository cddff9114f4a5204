#include "store/log_format.hpp"

#include "codec/checksum.hpp"

namespace troupe::log_format {

namespace {

constexpr std::uint16_t magic = 0x6754; // "Tg"
constexpr std::uint8_t version = 1;

template <class T>
void put(header_block& block, std::size_t at, T value) {
  for (std::size_t i = 0; i < sizeof value; ++i) block[at + i] = static_cast<std::byte>(value >> (8 * i));
}

template <class T>
T get(bytes_view block, std::size_t at) {
  T value = 0;
  for (std::size_t i = sizeof value; i-- > 0;) value = static_cast<T>(value << 8 | std::to_integer<T>(block[at + i]));
  return value;
}

std::uint32_t header_checksum(bytes_view block, std::uint64_t offset) {
  std::array<std::byte, 8> place{};
  for (std::size_t i = 0; i < place.size(); ++i) place[i] = static_cast<std::byte>(offset >> (8 * i));
  return crc32c(block.first(60), crc32c(place));
}

bool is_whole(bytes_view block, std::uint64_t offset) {
  return block.size() >= header_bytes && get<std::uint16_t>(block, 0) == magic &&
    get<std::uint32_t>(block, 60) == header_checksum(block, offset);
}

} // namespace

bool operator==(const header& a, const header& b) { return encode(a, 0) == encode(b, 0); }

header_block encode(const header& h, std::uint64_t offset) {
  header_block block{};
  put(block, 0, magic);
  put(block, 2, version);
  put(block, 3, h.record.type);
  put(block, 4, h.segment);
  std::memcpy(&block[8], h.record.id.raw.data(), h.record.id.raw.size());
  put(block, 24, h.record.n1);
  put(block, 32, h.record.n2);
  put(block, 40, h.payload_bytes);
  put(block, 44, h.durable);
  put(block, 48, h.salt);
  put(block, 56, h.payload_crc);
  put(block, 60, header_checksum(block, offset));
  return block;
}

std::optional<header> decode(bytes_view block, std::uint64_t offset) {
  if (!is_whole(block, offset) || get<std::uint8_t>(block, 2) != version) return std::nullopt;
  header h;
  h.record.type = get<std::uint8_t>(block, 3);
  h.segment = get<std::uint32_t>(block, 4);
  std::memcpy(h.record.id.raw.data(), &block[8], h.record.id.raw.size());
  h.record.n1 = get<std::uint64_t>(block, 24);
  h.record.n2 = get<std::uint64_t>(block, 32);
  h.payload_bytes = get<std::uint32_t>(block, 40);
  h.durable = get<std::uint32_t>(block, 44);
  h.salt = get<std::uint64_t>(block, 48);
  h.payload_crc = get<std::uint32_t>(block, 56);
  if (h.payload_bytes > chunk::bytes_max || h.durable > offset) return std::nullopt; // no writer makes one
  return h;
}

bool is_other_version(bytes_view block, std::uint64_t offset) {
  return is_whole(block, offset) && get<std::uint8_t>(block, 2) != version;
}

std::uint32_t payload_checksum(std::span<const bytes_view> buffers) {
  std::uint32_t crc = 0;
  for (auto b : buffers) crc = crc32c(b, crc);
  return crc;
}

} // namespace troupe::log_format
