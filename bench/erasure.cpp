// What erasure coding costs: one core, pieces of 1 MiB. Bytes counted are those of the data pieces.
#include "codec/erasure.hpp"

#include <benchmark/benchmark.h>

#include <vector>

namespace {

using namespace troupe;

constexpr std::size_t size = 1 << 20;

struct stripe {
  erasure_codec codec;
  std::vector<std::vector<std::byte>> all;
  std::vector<const std::byte*> data;
  std::vector<std::byte*> parity;

  stripe(std::size_t k, std::size_t m) : codec(*erasure_codec::make(k, m)), all(k + m) {
    unsigned word = 1;
    for (std::size_t i = 0; i < all.size(); ++i) {
      all[i].resize(size);
      for (auto& b : all[i]) b = static_cast<std::byte>((word = word * 1664525u + 1013904223u) >> 24);
      if (i < k)
        data.push_back(all[i].data());
      else
        parity.push_back(all[i].data());
    }
    codec.encode(data, parity, size);
  }
};

void encode(benchmark::State& state) {
  stripe s{static_cast<std::size_t>(state.range(0)), static_cast<std::size_t>(state.range(1))};
  for (auto _ : state) {
    s.codec.encode(s.data, s.parity, size);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * state.range(0) * std::int64_t{size});
}
BENCHMARK(encode)->Args({3, 2})->Args({4, 2})->Args({10, 4})->Args({1, 2});

// The first range(2) data pieces are lost.
void rebuild(benchmark::State& state) {
  stripe s{static_cast<std::size_t>(state.range(0)), static_cast<std::size_t>(state.range(1))};
  auto lost = static_cast<std::size_t>(state.range(2));
  std::vector<const std::byte*> there(s.all.size());
  for (std::size_t i = lost; i < there.size(); ++i) there[i] = s.all[i].data();
  std::vector<std::size_t> wanted;
  std::vector<std::vector<std::byte>> out(lost, std::vector<std::byte>(size));
  std::vector<std::byte*> outputs;
  for (std::size_t i = 0; i < lost; ++i) {
    wanted.push_back(i);
    outputs.push_back(out[i].data());
  }
  for (auto _ : state) {
    if (!s.codec.reconstruct(there, wanted, outputs, size)) return state.SkipWithError("reconstruct failed");
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * state.range(0) * std::int64_t{size});
}
BENCHMARK(rebuild)->Args({3, 2, 1})->Args({3, 2, 2})->Args({10, 4, 4});

} // namespace
