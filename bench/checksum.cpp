// What checksums and digests cost: one core, 1 MiB at a time.
#include "codec/checksum.hpp"
#include "codec/md5_lanes.hpp"

#include <benchmark/benchmark.h>

#include <vector>

namespace {

using namespace troupe;

constexpr std::size_t size = 1 << 20;

std::vector<std::byte> input(unsigned seed = 1) {
  std::vector<std::byte> out(size);
  for (auto& b : out) b = static_cast<std::byte>((seed = seed * 1664525u + 1013904223u) >> 24);
  return out;
}

template <class Function>
void over_a_mebibyte(benchmark::State& state, Function f) {
  auto data = input();
  for (auto _ : state) benchmark::DoNotOptimize(f(bytes_view{data}));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(size));
}

BENCHMARK_CAPTURE(over_a_mebibyte, crc32, [](bytes_view b) { return crc32(b); });
BENCHMARK_CAPTURE(over_a_mebibyte, crc32c, [](bytes_view b) { return crc32c(b); });
BENCHMARK_CAPTURE(over_a_mebibyte, crc64nvme, [](bytes_view b) { return crc64nvme(b); });
BENCHMARK_CAPTURE(over_a_mebibyte, md5_openssl, [](bytes_view b) {
  digest d{digest_kind::md5};
  d.add(b);
  return d.finish();
});
BENCHMARK_CAPTURE(over_a_mebibyte, sha1, [](bytes_view b) { return sha1(b); });
BENCHMARK_CAPTURE(over_a_mebibyte, sha256, [](bytes_view b) { return sha256(b); });
BENCHMARK_CAPTURE(over_a_mebibyte, md5_single, [](bytes_view b) { return md5(b); });
BENCHMARK_CAPTURE(over_a_mebibyte, md5_single_without_avx512, [](bytes_view b) {
  md5_state s;
  md5_advance(s, b.data(), b.size() / 64, md5_chain::plain);
  return s;
});

// range(0) streams of 1 MiB each, range(1): lanes at once.
void md5_side_by_side(benchmark::State& state) {
  auto streams = static_cast<std::size_t>(state.range(0));
  auto at_once = static_cast<std::size_t>(state.range(1));
  if (at_once > md5_lanes_at_once()) return state.SkipWithError("this processor has no such vectors");
  std::vector<std::vector<std::byte>> data;
  for (unsigned i = 0; i < streams; ++i) data.push_back(input(i));
  for (auto _ : state) {
    std::vector<md5_state> states(streams);
    std::vector<md5_lane> lanes;
    for (std::size_t i = 0; i < streams; ++i) lanes.push_back({&states[i], data[i].data(), size / 64});
    md5_blocks(lanes, at_once);
    benchmark::DoNotOptimize(states.data());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * streams * size));
}
BENCHMARK(md5_side_by_side)
  ->Args({1, 16})
  ->Args({2, 16})
  ->Args({3, 16})
  ->Args({4, 16})
  ->Args({8, 16})
  ->Args({16, 16})
  ->Args({4, 8})
  ->Args({8, 8})
  ->Args({16, 8})
  ->Args({16, 1});

void hmac_of_a_chunk_signature(benchmark::State& state) {
  sha256_digest key{};
  std::string text(300, 'x');
  for (auto _ : state) benchmark::DoNotOptimize(hmac_sha256(key, as_bytes(text)));
}
BENCHMARK(hmac_of_a_chunk_signature);

} // namespace
