#include "codec/md5_single.hpp"

#include <cstring>
#include <utility>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace troupe {
namespace {

using all_steps = std::make_integer_sequence<int, 64>;

template <int I>
std::uint32_t word_of(const std::byte* block) {
  std::uint32_t out;
  std::memcpy(&out, block + 4 * md5_word(I), 4);
  return out; // little-endian machines only, as all of codec
}

namespace plain {

// The compiler shall not reorder the additions around this one: it would lengthen the chain.
void settle(std::uint32_t& x) { asm("" : "+r"(x)); }

template <int I>
[[gnu::always_inline]] inline void step(
  std::uint32_t& a, std::uint32_t& b, std::uint32_t& c, std::uint32_t& d, const std::byte* block) {
  constexpr int turn = md5_turns[I / 16][I % 4];
  auto sum = a + word_of<I>(block) + md5_sines[I];
  // b came last: what is known without it is computed first.
  if constexpr (I < 16) {
    auto t = c ^ d;
    settle(t);
    settle(sum);
    sum += d ^ (b & t);
  } else if constexpr (I < 32) { // the two halves have no bit in common, so they can be added one by one
    sum += c & ~d;
    settle(sum);
    sum += b & d;
  } else if constexpr (I < 48) {
    auto t = c ^ d;
    settle(t);
    settle(sum);
    sum += b ^ t;
  } else {
    auto t = ~d;
    settle(t);
    settle(sum);
    sum += c ^ (b | t);
  }
  settle(sum);
  a = d;
  d = c;
  c = b;
  b += (sum << turn) | (sum >> (32 - turn));
}

template <int... I>
void advance(md5_state& s, const std::byte* data, std::size_t blocks, std::integer_sequence<int, I...>) {
  auto [a, b, c, d] = s;
  for (; blocks != 0; --blocks, data += 64) {
    auto a0 = a, b0 = b, c0 = c, d0 = d;
    (step<I>(a, b, c, d, data), ...);
    a += a0;
    b += b0;
    c += c0;
    d += d0;
  }
  s = {a, b, c, d};
}

} // namespace plain

#if defined(__x86_64__)
namespace avx512 {

// Of each register only the lowest lane counts. A target attribute does not reach into what is called.
#define TROUPE_MD5_TARGET __attribute__((target("avx512f,avx512vl")))
#define TROUPE_MD5_INLINE __attribute__((target("avx512f,avx512vl"), always_inline)) inline

TROUPE_MD5_INLINE __m128i lane(std::uint32_t x) { return _mm_cvtsi32_si128(static_cast<int>(x)); }
TROUPE_MD5_INLINE std::uint32_t lowest(__m128i x) { return static_cast<std::uint32_t>(_mm_cvtsi128_si32(x)); }

template <int I>
TROUPE_MD5_INLINE void step(__m128i& a, __m128i& b, __m128i& c, __m128i& d, const std::byte* block) {
  constexpr int turn = md5_turns[I / 16][I % 4];
  // The step's function of b, c, d as a truth table: its bit 4 b + 2 c + d.
  constexpr int function = I < 16 ? 0b11001010 : I < 32 ? 0b11100100 : I < 48 ? 0b10010110 : 0b00111001;
  auto sum = _mm_add_epi32(lane(word_of<I>(block)), _mm_set1_epi32(static_cast<int>(md5_sines[I])));
  sum = _mm_add_epi32(sum, a);
  asm("" : "+v"(sum)); // as above
  sum = _mm_add_epi32(sum, _mm_ternarylogic_epi32(b, c, d, function));
  a = d;
  d = c;
  c = b;
  b = _mm_add_epi32(b, _mm_rol_epi32(sum, turn));
}

template <int... I>
TROUPE_MD5_TARGET void advance(
  md5_state& s, const std::byte* data, std::size_t blocks, std::integer_sequence<int, I...>) {
  auto a = lane(s.a), b = lane(s.b), c = lane(s.c), d = lane(s.d);
  for (; blocks != 0; --blocks, data += 64) {
    auto a0 = a, b0 = b, c0 = c, d0 = d;
    (step<I>(a, b, c, d, data), ...);
    a = _mm_add_epi32(a, a0);
    b = _mm_add_epi32(b, b0);
    c = _mm_add_epi32(c, c0);
    d = _mm_add_epi32(d, d0);
  }
  s = {lowest(a), lowest(b), lowest(c), lowest(d)};
}

#undef TROUPE_MD5_TARGET
#undef TROUPE_MD5_INLINE

} // namespace avx512
#endif

} // namespace

md5_chain md5_chain_here() noexcept {
#if defined(__x86_64__)
  static const bool has = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl");
  return has ? md5_chain::avx512 : md5_chain::plain;
#else
  return md5_chain::plain;
#endif
}

void md5_advance(md5_state& s, const std::byte* data, std::size_t blocks, [[maybe_unused]] md5_chain chain) {
#if defined(__x86_64__)
  if (chain == md5_chain::avx512) return avx512::advance(s, data, blocks, all_steps{});
#endif
  plain::advance(s, data, blocks, all_steps{});
}

} // namespace troupe
