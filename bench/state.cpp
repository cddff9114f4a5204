// A state of a million rows over LMDB: reads, writes, scans, and what a checkpoint costs. TROUPE_BENCH_DIR names a
// directory on the disk to measure (default: the current one).

#include "store/state.hpp"

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <random>
#include <stdexcept>
#include <string>

namespace {

using namespace troupe;

constexpr std::uint64_t rows = 1'000'000;
constexpr std::size_t value_bytes = 200;

// Row n of the keys that exist: S3-like, and in no particular order.
std::string key_of(std::uint64_t n) {
  return "object:bucket-1/photos/2026/" + std::to_string(n * 2654435761U % 4294967296U) + ".jpg";
}

class place {
public:
  place() {
    auto* chosen = std::getenv("TROUPE_BENCH_DIR");
    path_ = (std::filesystem::path{chosen ? chosen : "."} / "bench_state_XXXXXX").string();
    if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("cannot make " + path_);
  }
  place(const place&) = delete;
  place& operator=(const place&) = delete;
  ~place() { std::filesystem::remove_all(path_); }
  std::shared_ptr<state_base> open() { return open_lmdb_base({.path = path_}).value(); }

private:
  std::string path_;
};

void checkpoint_now(state& s) {
  auto outcome = s.begin_checkpoint("p")();
  outcome.value();
  s.end_checkpoint(outcome);
}

// Made once for all benchmarks that only read it or write into its overlay.
struct filled {
  place where;
  state rows_in{where.open()};
  filled() {
    for (std::uint64_t i = 0; i < rows; ++i) rows_in.put(key_of(i), std::string(value_bytes, 'v'));
    checkpoint_now(rows_in);
  }
};

filled& the_filled_state() {
  static filled one;
  return one;
}

void get_from_base(benchmark::State& s) {
  auto& all = the_filled_state().rows_in;
  std::mt19937_64 random{1};
  for (auto _ : s) benchmark::DoNotOptimize(all.get(key_of(random() % rows)).value());
}

void get_missing(benchmark::State& s) {
  auto& all = the_filled_state().rows_in;
  std::mt19937_64 random{1};
  for (auto _ : s) benchmark::DoNotOptimize(all.get(key_of(random() % rows) + "x").value());
}

// Into an overlay that grows up to a million rows.
void put(benchmark::State& s) {
  place p;
  for (auto _ : s) {
    s.PauseTiming();
    auto fresh = std::make_unique<state>(p.open());
    s.ResumeTiming();
    for (std::uint64_t i = 0; i < rows; ++i) fresh->put(key_of(i), std::string(value_bytes, 'v'));
    s.PauseTiming();
    fresh.reset();
    s.ResumeTiming();
  }
  s.SetItemsProcessed(s.iterations() * static_cast<std::int64_t>(rows));
}

void get_from_overlay(benchmark::State& s) {
  place p;
  state all{p.open()};
  for (std::uint64_t i = 0; i < rows; ++i) all.put(key_of(i), std::string(value_bytes, 'v'));
  std::mt19937_64 random{1};
  for (auto _ : s) benchmark::DoNotOptimize(all.get(key_of(random() % rows)).value());
}

void scan(benchmark::State& s) {
  auto& all = the_filled_state().rows_in;
  for (auto _ : s) {
    auto c = all.scan().value();
    c->seek("").value();
    std::uint64_t n = 0;
    for (; c->valid(); c->next().value()) n += c->value().size();
    benchmark::DoNotOptimize(n);
  }
  s.SetItemsProcessed(s.iterations() * static_cast<std::int64_t>(rows));
}

// A page of a listing: seek, then 1000 rows.
void list_page(benchmark::State& s) {
  auto& all = the_filled_state().rows_in;
  std::mt19937_64 random{1};
  for (auto _ : s) {
    auto c = all.scan().value();
    c->seek(key_of(random() % rows)).value();
    for (int i = 0; i < 1000 && c->valid(); ++i) c->next().value();
  }
  s.SetItemsProcessed(s.iterations() * 1000);
}

// So many random rows of the million are written again, then a checkpoint; only that is timed.
void checkpoint(benchmark::State& s) {
  auto& all = the_filled_state().rows_in;
  std::mt19937_64 random{1};
  for (auto _ : s) {
    s.PauseTiming();
    for (auto i = s.range(0); i > 0; --i) all.put(key_of(random() % rows), std::string(value_bytes, 'w'));
    s.ResumeTiming();
    checkpoint_now(all);
  }
  s.SetItemsProcessed(s.iterations() * s.range(0));
}

void checkpoint_of_everything(benchmark::State& s) {
  for (auto _ : s) {
    s.PauseTiming();
    auto p = std::make_unique<place>();
    auto all = std::make_unique<state>(p->open());
    for (std::uint64_t i = 0; i < rows; ++i) all->put(key_of(i), std::string(value_bytes, 'v'));
    s.ResumeTiming();
    checkpoint_now(*all);
    s.PauseTiming();
    all.reset();
    p.reset();
    s.ResumeTiming();
  }
  s.SetItemsProcessed(s.iterations() * static_cast<std::int64_t>(rows));
}

} // namespace

BENCHMARK(put)->Unit(benchmark::kMillisecond)->Iterations(1);
BENCHMARK(get_from_overlay);
BENCHMARK(get_from_base);
BENCHMARK(get_missing);
BENCHMARK(scan)->Unit(benchmark::kMillisecond);
BENCHMARK(list_page)->Unit(benchmark::kMicrosecond);
BENCHMARK(checkpoint)
  ->Arg(1000)
  ->Arg(10'000)
  ->Arg(100'000)
  ->Unit(benchmark::kMillisecond)
  ->UseRealTime()
  ->Iterations(3);
BENCHMARK(checkpoint_of_everything)->Unit(benchmark::kMillisecond)->UseRealTime()->Iterations(1);
