// CRC64NVME (NVMe base specification: polynomial 0xad93d23594c93659, reflected, inverted before and after).
// On processors with PCLMULQDQ long inputs are folded 128 bytes at a time: the remainder of (block * x^D) is the same
// when the block is replaced by its carry-less product with x^D mod P, so eight 16-byte accumulators jump D = 1024
// bits ahead at once. The last accumulator's 16 bytes and the tail go through tables, eight bytes a step.
#include "codec/checksum.hpp"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace troupe {
namespace {

constexpr std::uint64_t poly = 0x9a6c9329ac4bc9b5; // reflected: the top bit is x^0

constexpr std::array<std::array<std::uint64_t, 256>, 8> make_tables() {
  std::array<std::array<std::uint64_t, 256>, 8> t{};
  for (unsigned i = 0; i < 256; ++i) {
    std::uint64_t v = i;
    for (int bit = 0; bit < 8; ++bit) v = (v >> 1) ^ (v & 1 ? poly : 0);
    t[0][i] = v;
  }
  for (unsigned i = 0; i < 256; ++i)
    for (unsigned n = 1; n < 8; ++n) t[n][i] = (t[n - 1][i] >> 8) ^ t[0][t[n - 1][i] & 0xff];
  return t;
}
constexpr auto tables = make_tables();

// Without the inversions.
std::uint64_t by_tables(const std::byte* p, std::size_t n, std::uint64_t crc) noexcept {
  for (; n >= 8; p += 8, n -= 8) {
    std::uint64_t word;
    std::memcpy(&word, p, 8);
    crc ^= word; // little-endian: the first byte is the lowest
    crc = tables[7][crc & 0xff] ^ tables[6][crc >> 8 & 0xff] ^ tables[5][crc >> 16 & 0xff] ^
      tables[4][crc >> 24 & 0xff] ^ tables[3][crc >> 32 & 0xff] ^ tables[2][crc >> 40 & 0xff] ^
      tables[1][crc >> 48 & 0xff] ^ tables[0][crc >> 56];
  }
  for (; n != 0; ++p, --n) crc = (crc >> 8) ^ tables[0][(crc ^ std::to_integer<std::uint64_t>(*p)) & 0xff];
  return crc;
}

#if defined(__x86_64__)
constexpr std::uint64_t x_to(unsigned power) {
  std::uint64_t v = std::uint64_t{1} << 63;
  while (power-- > 0) v = (v >> 1) ^ (v & 1 ? poly : 0);
  return v;
}

// Factors that move a 16-byte accumulator `bits` ahead: for its first eight bytes (64 powers higher) and its last.
// One power less than one expects, because a reflected carry-less product comes out multiplied by x.
struct jump {
  std::uint64_t first, last;
};
constexpr jump jump_of(unsigned bits) { return {x_to(bits + 63), x_to(bits - 1)}; }
constexpr jump ahead_1024 = jump_of(1024);
constexpr std::array<jump, 7> ahead{jump_of(896), jump_of(768), jump_of(640), jump_of(512), jump_of(384), jump_of(256),
  jump_of(128)}; // accumulator i onto the eighth

__attribute__((target("pclmul,sse4.1"), always_inline)) inline __m128i fold(__m128i a, __m128i factors) {
  return _mm_xor_si128(_mm_clmulepi64_si128(a, factors, 0x00), _mm_clmulepi64_si128(a, factors, 0x11));
}

__attribute__((target("pclmul,sse4.1"), always_inline)) inline __m128i factors_of(const jump& j) {
  return _mm_set_epi64x(static_cast<long long>(j.last), static_cast<long long>(j.first));
}

// Precondition: n >= 256.
__attribute__((target("pclmul,sse4.1"))) std::uint64_t by_folding(
  const std::byte* p, std::size_t n, std::uint64_t crc) noexcept {
  auto load = [](const std::byte* at) __attribute__((target("pclmul,sse4.1"), always_inline)) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  };
  __m128i a0 = _mm_xor_si128(load(p), _mm_cvtsi64_si128(static_cast<long long>(crc)));
  __m128i a1 = load(p + 16), a2 = load(p + 32), a3 = load(p + 48), a4 = load(p + 64), a5 = load(p + 80);
  __m128i a6 = load(p + 96), a7 = load(p + 112);
  auto factors = factors_of(ahead_1024);
  for (p += 128, n -= 128; n >= 128; p += 128, n -= 128) {
    a0 = _mm_xor_si128(fold(a0, factors), load(p));
    a1 = _mm_xor_si128(fold(a1, factors), load(p + 16));
    a2 = _mm_xor_si128(fold(a2, factors), load(p + 32));
    a3 = _mm_xor_si128(fold(a3, factors), load(p + 48));
    a4 = _mm_xor_si128(fold(a4, factors), load(p + 64));
    a5 = _mm_xor_si128(fold(a5, factors), load(p + 80));
    a6 = _mm_xor_si128(fold(a6, factors), load(p + 96));
    a7 = _mm_xor_si128(fold(a7, factors), load(p + 112));
  }
  a7 = _mm_xor_si128(a7, fold(a0, factors_of(ahead[0])));
  a7 = _mm_xor_si128(a7, fold(a1, factors_of(ahead[1])));
  a7 = _mm_xor_si128(a7, fold(a2, factors_of(ahead[2])));
  a7 = _mm_xor_si128(a7, fold(a3, factors_of(ahead[3])));
  a7 = _mm_xor_si128(a7, fold(a4, factors_of(ahead[4])));
  a7 = _mm_xor_si128(a7, fold(a5, factors_of(ahead[5])));
  a7 = _mm_xor_si128(a7, fold(a6, factors_of(ahead[6])));
  std::byte last[16];
  _mm_storeu_si128(reinterpret_cast<__m128i*>(last), a7);
  return by_tables(p, n, by_tables(last, sizeof last, 0));
}
#endif

} // namespace

std::uint64_t crc64nvme(bytes_view in, std::uint64_t crc) noexcept {
#if defined(__x86_64__)
  static const bool can_fold = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
  if (can_fold && in.size() >= 256) return ~by_folding(in.data(), in.size(), ~crc);
#endif
  return ~by_tables(in.data(), in.size(), ~crc);
}

} // namespace troupe
