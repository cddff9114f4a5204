#include "codec/checksum.hpp"

#include <isa-l/crc.h>

#include <algorithm>
#include <array>

namespace troupe {
namespace {

constexpr std::array<std::string_view, checksum_kinds> names{"CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"};

// Polynomials in reflected order: bit 0 is the highest power.
constexpr std::uint32_t crc32_poly = 0xedb88320, crc32c_poly = 0x82f63b78;
constexpr std::uint64_t crc64nvme_poly = 0x9a6c9329ac4bc9b5;

// a * b modulo the polynomial, all reflected: the top bit is x^0.
template <class Word>
Word multiply(Word a, Word b, Word poly) {
  Word product = 0;
  for (auto bit = static_cast<Word>(Word{1} << (sizeof(Word) * 8 - 1)); bit != 0; bit = static_cast<Word>(bit >> 1)) {
    if (a & bit) product ^= b;
    b = static_cast<Word>((b >> 1) ^ (b & 1 ? poly : 0)); // times x
  }
  return product;
}

// Appending n bytes to a multiplies its value by x^(8n); with equal initial and final inversion the rest cancels
// (Mark Adler's argument for zlib's crc32_combine).
template <class Word>
Word combine(Word a, Word b, std::uint64_t length_b, Word poly) {
  auto shift = static_cast<Word>(Word{1} << (sizeof(Word) * 8 - 1 - 8)); // x^8
  for (; length_b != 0; length_b >>= 1) {
    if (length_b & 1) a = multiply(a, shift, poly);
    shift = multiply(shift, shift, poly);
  }
  return a ^ b;
}

template <class Word>
std::string big_endian(Word value) {
  std::string out(sizeof value, '\0');
  for (auto i = out.size(); i-- > 0; value = static_cast<Word>(value >> 8)) out[i] = static_cast<char>(value & 0xff);
  return out;
}

std::uint64_t from_big_endian(std::string_view raw) {
  std::uint64_t value = 0;
  for (auto c : raw) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

bool same_letters(std::string_view a, std::string_view upper) {
  return std::equal(a.begin(), a.end(), upper.begin(), upper.end(),
    [](char c, char u) { return (c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c) == u; });
}

} // namespace

std::string_view name_of(checksum_kind k) noexcept { return names[static_cast<std::size_t>(k)]; }

std::optional<checksum_kind> checksum_kind_named(std::string_view name) noexcept {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (same_letters(name, names[i])) return static_cast<checksum_kind>(i);
  return std::nullopt;
}

std::size_t raw_bytes(checksum_kind k) noexcept {
  switch (k) {
  case checksum_kind::crc32:
  case checksum_kind::crc32c: return 4;
  case checksum_kind::crc64nvme: return 8;
  case checksum_kind::sha1: return 20;
  case checksum_kind::sha256: return 32;
  }
  return 0;
}

std::uint32_t crc32(bytes_view in, std::uint32_t crc) noexcept {
  return crc32_gzip_refl(crc, reinterpret_cast<const unsigned char*>(in.data()), in.size());
}

// ISA-L's crc32_iscsi neither inverts (others do it inside) nor takes more than an int, nor a const pointer.
std::uint32_t crc32c(bytes_view in, std::uint32_t crc) noexcept {
  crc = ~crc;
  while (!in.empty()) {
    auto n = std::min(in.size(), std::size_t{1} << 30);
    crc = crc32_iscsi(reinterpret_cast<unsigned char*>(const_cast<std::byte*>(in.data())), static_cast<int>(n), crc);
    in = in.subspan(n);
  }
  return ~crc;
}

std::uint32_t crc32_combine(std::uint32_t a, std::uint32_t b, std::uint64_t length_b) noexcept {
  return combine(a, b, length_b, crc32_poly);
}
std::uint32_t crc32c_combine(std::uint32_t a, std::uint32_t b, std::uint64_t length_b) noexcept {
  return combine(a, b, length_b, crc32c_poly);
}
std::uint64_t crc64nvme_combine(std::uint64_t a, std::uint64_t b, std::uint64_t length_b) noexcept {
  return combine(a, b, length_b, crc64nvme_poly);
}

checksum_state::checksum_state(checksum_set wanted) : wanted_(wanted) {
  if (wanted.has(checksum_kind::sha1)) sha1_.emplace(digest_kind::sha1);
  if (wanted.has(checksum_kind::sha256)) sha256_.emplace(digest_kind::sha256);
}

void checksum_state::add(bytes_view in) {
  if (wanted_.has(checksum_kind::crc32)) crc32_ = crc32(in, crc32_);
  if (wanted_.has(checksum_kind::crc32c)) crc32c_ = crc32c(in, crc32c_);
  if (wanted_.has(checksum_kind::crc64nvme)) crc64nvme_ = crc64nvme(in, crc64nvme_);
  if (sha1_) sha1_->add(in);
  if (sha256_) sha256_->add(in);
}

checksum_values checksum_state::finish() {
  checksum_values out;
  if (wanted_.has(checksum_kind::crc32)) out.set(checksum_kind::crc32, big_endian(crc32_));
  if (wanted_.has(checksum_kind::crc32c)) out.set(checksum_kind::crc32c, big_endian(crc32c_));
  if (wanted_.has(checksum_kind::crc64nvme)) out.set(checksum_kind::crc64nvme, big_endian(crc64nvme_));
  if (sha1_) out.set(checksum_kind::sha1, sha1_->finish());
  if (sha256_) out.set(checksum_kind::sha256, sha256_->finish());
  crc32_ = crc32c_ = 0;
  crc64nvme_ = 0;
  return out;
}

std::string composite_checksum(checksum_kind kind, std::span<const std::string> raw_parts) {
  checksum_set one;
  one.add(kind);
  checksum_state state{one};
  for (auto& raw : raw_parts) state.add(as_bytes(raw));
  return state.finish().get(kind);
}

result<std::string> full_object_checksum(checksum_kind kind, std::span<const part_checksum> parts) {
  if (kind == checksum_kind::sha1 || kind == checksum_kind::sha256)
    return fail(ec::bad_argument, std::string{name_of(kind)} + " of a whole object cannot be combined from its parts'");
  std::uint64_t crc = 0; // of nothing
  for (auto& part : parts) {
    if (part.raw.size() != raw_bytes(kind))
      return fail(
        ec::bad_argument, std::string{name_of(kind)} + " value of " + std::to_string(part.raw.size()) + " bytes");
    auto next = from_big_endian(part.raw);
    if (kind == checksum_kind::crc64nvme)
      crc = crc64nvme_combine(crc, next, part.size);
    else
      crc = combine(static_cast<std::uint32_t>(crc), static_cast<std::uint32_t>(next), part.size,
        kind == checksum_kind::crc32 ? crc32_poly : crc32c_poly);
  }
  if (kind == checksum_kind::crc64nvme) return big_endian(crc);
  return big_endian(static_cast<std::uint32_t>(crc));
}

} // namespace troupe
