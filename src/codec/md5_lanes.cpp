#include "codec/md5_lanes.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace troupe {
namespace {

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
  for (std::size_t i = 0; i < count; ++i) md5_advance(*running[i].state, running[i].data, running[i].blocks);
  for (; next < lanes.size(); ++next)
    if (lanes[next].blocks != 0) md5_advance(*lanes[next].state, lanes[next].data, lanes[next].blocks);
}

bytes_view md5_stream::top_up(bytes_view in) {
  auto have = static_cast<std::size_t>(bytes_ % 64);
  bytes_ += in.size();
  if (have == 0) return in;
  auto n = std::min(64 - have, in.size());
  std::copy_n(in.begin(), n, block_.begin() + static_cast<std::ptrdiff_t>(have));
  if (have + n == 64) md5_advance(state_, block_.data(), 1);
  return in.subspan(n);
}

void md5_stream::keep(bytes_view tail) { std::copy(tail.begin(), tail.end(), block_.begin()); }

void md5_stream::add(bytes_view in) {
  auto rest = top_up(in);
  if (rest.empty()) return;
  auto whole = rest.size() / 64;
  if (whole != 0) md5_advance(state_, rest.data(), whole);
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
