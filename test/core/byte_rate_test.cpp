#include "core/byte_rate.hpp"

#include <catch2/catch.hpp>

#include <utility>
#include <vector>

using namespace troupe;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t MiB = 1 << 20;
constexpr byte_rate::duration start = 1000s;

} // namespace

TEST_CASE("what is taken in one go waits for what was taken before, at the rate") {
  byte_rate rate{10 * MiB, 0s};
  CHECK(rate.take(10 * MiB, start) == 0s);
  CHECK(rate.take(5 * MiB, start) == 1s);
  CHECK(rate.take(MiB, start) == 1500ms);
  CHECK(rate.take(MiB, start + 1s) == 600ms);
}

TEST_CASE("what was not used is lost, but for the burst") {
  byte_rate rate{10 * MiB, 100ms};
  CHECK(rate.take(MiB, start) == 0s);
  CHECK(rate.take(MiB, start) == 0s);
  CHECK(rate.take(MiB, start) == 100ms);
  CHECK(rate.take(MiB, start + 1h) == 0s);
  CHECK(rate.take(MiB, start + 1h) == 0s);
  CHECK(rate.take(MiB, start + 1h) == 100ms);
}

TEST_CASE("however many take, in whatever steps, no second sees more than the rate and the burst") {
  byte_rate rate{MiB, 100ms};
  std::vector<std::pair<byte_rate::duration, std::uint64_t>> moved; // when, how much
  for (std::uint64_t i = 0; i < 200; ++i) {
    auto now = start + std::chrono::milliseconds{i * 3};
    auto bytes = (i * 7919) % (64 << 10);
    moved.emplace_back(now + rate.take(bytes, now), bytes);
  }
  for (auto& [begin, first] : moved) {
    std::uint64_t in_a_second = 0;
    for (auto& [at, bytes] : moved)
      if (at >= begin && at < begin + 1s) in_a_second += bytes;
    CHECK(in_a_second <= MiB + MiB / 10 + (64 << 10));
  }
}

TEST_CASE("a huge amount at a tiny rate takes for ever, not a negative time") {
  byte_rate rate{1, 0s};
  CHECK(rate.take(~std::uint64_t{0}, start) == 0s);
  CHECK(rate.take(1, start) > 24h * 365);
}
