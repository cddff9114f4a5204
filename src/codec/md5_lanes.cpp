// OpenSSL's low-level MD5 is deprecated for being MD5 and for bypassing providers; it is the only way to continue
// from a state that the lanes have advanced.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "codec/md5_lanes.hpp"

#include <openssl/md5.h>

#include <algorithm>
#include <array>
#include <utility>

namespace troupe {
namespace {

// RFC 1321 section 3.4: floor(2^32 * abs(sin(i + 1))), and how far each step turns.
constexpr std::array<std::uint32_t, 64> md5_sines{0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf,
  0x4787c62a, 0xa8304613, 0xfd469501, 0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193,
  0xa679438e, 0x49b40821, 0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681,
  0xe7d3fbc8, 0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
  0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70, 0x289b7ec6,
  0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665, 0xf4292244, 0x432aff97,
  0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1, 0x6fa87e4f, 0xfe2ce6e0, 0xa3014314,
  0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};
constexpr int md5_turns[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

#if defined(__x86_64__)
namespace avx512 {
#define TROUPE_MD5_LANES 16
#define TROUPE_MD5_TARGET __attribute__((target("avx512f")))
#define TROUPE_MD5_INLINE __attribute__((target("avx512f"), always_inline)) inline
#include "codec/md5_lanes_kernel.inc"
#undef TROUPE_MD5_LANES
#undef TROUPE_MD5_TARGET
#undef TROUPE_MD5_INLINE
} // namespace avx512
namespace avx2 {
#define TROUPE_MD5_LANES 8
#define TROUPE_MD5_TARGET __attribute__((target("avx2")))
#define TROUPE_MD5_INLINE __attribute__((target("avx2"), always_inline)) inline
#include "codec/md5_lanes_kernel.inc"
#undef TROUPE_MD5_LANES
#undef TROUPE_MD5_TARGET
#undef TROUPE_MD5_INLINE
} // namespace avx2
#endif

constexpr std::size_t width_max = 16;
// Fewer lanes than this are faster one by one (bench/checksum.cpp).
constexpr std::size_t worth_it(std::size_t width) { return width == 16 ? 2 : 3; }

void run_alone(md5_state& s, const std::byte* data, std::size_t blocks) {
  MD5_CTX context{};
  context.A = s.a;
  context.B = s.b;
  context.C = s.c;
  context.D = s.d;
  MD5_Update(&context, data, blocks * 64);
  s = {context.A, context.B, context.C, context.D};
}

void run_together([[maybe_unused]] std::size_t width, [[maybe_unused]] md5_state* const* states,
  [[maybe_unused]] const std::byte* const* data, [[maybe_unused]] std::size_t blocks) {
#if defined(__x86_64__)
  if (width == 16)
    avx512::blocks(states, data, blocks);
  else
    avx2::blocks(states, data, blocks);
#endif
}

} // namespace

std::size_t md5_lanes_at_once() noexcept {
#if defined(__x86_64__)
  static const std::size_t n = __builtin_cpu_supports("avx512f") ? 16 : __builtin_cpu_supports("avx2") ? 8 : 1;
  return n;
#else
  return 1;
#endif
}

void md5_blocks(std::span<const md5_lane> lanes, std::size_t at_once) {
  auto width = std::min(at_once, md5_lanes_at_once());
  width = width >= 16 ? 16 : width >= 8 ? 8 : 1;
  std::array<md5_lane, width_max> running{};
  std::size_t count = 0, next = 0;
  auto refill = [&] {
    while (count < width && next < lanes.size()) {
      if (lanes[next].blocks != 0) running[count++] = lanes[next];
      ++next;
    }
  };
  for (refill(); width > 1 && count >= worth_it(width); refill()) {
    std::array<md5_state, width_max> unused{};
    std::array<md5_state*, width_max> states{};
    std::array<const std::byte*, width_max> data{};
    auto blocks = running[0].blocks;
    for (std::size_t i = 0; i < count; ++i) blocks = std::min(blocks, running[i].blocks);
    for (std::size_t i = 0; i < width; ++i) { // lanes without work repeat the first one's and forget the outcome
      states[i] = i < count ? running[i].state : &unused[i];
      data[i] = running[i < count ? i : 0].data;
    }
    run_together(width, states.data(), data.data(), blocks);
    std::size_t kept = 0;
    for (std::size_t i = 0; i < count; ++i) {
      running[i].data += blocks * 64;
      running[i].blocks -= blocks;
      if (running[i].blocks != 0) running[kept++] = running[i];
    }
    count = kept;
  }
  for (std::size_t i = 0; i < count; ++i) run_alone(*running[i].state, running[i].data, running[i].blocks);
  for (; next < lanes.size(); ++next)
    if (lanes[next].blocks != 0) run_alone(*lanes[next].state, lanes[next].data, lanes[next].blocks);
}

bytes_view md5_stream::top_up(bytes_view in) {
  auto have = static_cast<std::size_t>(bytes_ % 64);
  bytes_ += in.size();
  if (have == 0) return in;
  auto n = std::min(64 - have, in.size());
  std::copy_n(in.begin(), n, block_.begin() + static_cast<std::ptrdiff_t>(have));
  if (have + n == 64) run_alone(state_, block_.data(), 1);
  return in.subspan(n);
}

void md5_stream::keep(bytes_view tail) { std::copy(tail.begin(), tail.end(), block_.begin()); }

void md5_stream::add(bytes_view in) {
  auto rest = top_up(in);
  if (rest.empty()) return;
  auto whole = rest.size() / 64;
  if (whole != 0) run_alone(state_, rest.data(), whole);
  keep(rest.subspan(whole * 64));
}

md5_digest md5_stream::finish() {
  auto bits = bytes_ * 8;
  std::array<std::byte, 72> padding{std::byte{0x80}};
  auto zeros_end = 1 + (119 - bytes_ % 64) % 64; // up to 8 bytes before the end of a block
  for (std::size_t i = 0; i < 8; ++i) padding[zeros_end + i] = static_cast<std::byte>(bits >> (8 * i) & 0xff);
  add(bytes_view{padding}.first(zeros_end + 8));
  md5_digest out;
  std::size_t at = 0;
  for (auto word : {state_.a, state_.b, state_.c, state_.d})
    for (int i = 0; i < 4; ++i) out[at++] = static_cast<std::byte>(word >> (8 * i) & 0xff);
  *this = md5_stream{};
  return out;
}

void md5_add(std::span<const md5_job> jobs) {
  constexpr std::size_t batch = 64;
  for (; !jobs.empty(); jobs = jobs.subspan(std::min(batch, jobs.size()))) {
    std::array<md5_lane, batch> lanes{};
    auto n = std::min(batch, jobs.size());
    for (std::size_t i = 0; i < n; ++i) {
      auto rest = jobs[i].stream->top_up(jobs[i].data);
      if (rest.empty()) continue;
      lanes[i] = {&jobs[i].stream->state_, rest.data(), rest.size() / 64};
      jobs[i].stream->keep(rest.subspan(rest.size() / 64 * 64));
    }
    md5_blocks(std::span{lanes}.first(n));
  }
}

} // namespace troupe
