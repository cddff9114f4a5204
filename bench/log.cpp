// The log against the plain loop that it replaces: write, fdatasync. TROUPE_BENCH_DIR names a directory on the
// disk to measure (default: the current one).

#include "store/log.hpp"
#include "store/disk.hpp"

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace troupe;

class place {
public:
  place() {
    auto* chosen = std::getenv("TROUPE_BENCH_DIR");
    path_ = (std::filesystem::path{chosen ? chosen : "."} / "bench_log_XXXXXX").string();
    if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("cannot make " + path_);
    disk_ = make_posix_disk(path_);
  }
  place(const place&) = delete;
  place& operator=(const place&) = delete;
  ~place() { std::filesystem::remove_all(path_); }
  disk& on() { return *disk_; }

private:
  std::string path_;
  std::unique_ptr<disk> disk_;
};

void count(benchmark::State& s, std::int64_t records, std::size_t bytes) {
  s.SetItemsProcessed(s.iterations() * records);
  s.SetBytesProcessed(s.iterations() * records * static_cast<std::int64_t>(bytes));
}

void plain_write_and_fdatasync(benchmark::State& s) {
  place p;
  auto file = p.on().open("plain", disk::open_mode::create).value();
  std::string bytes(static_cast<std::size_t>(s.range(0)), 'x');
  auto view = as_bytes(bytes);
  std::uint64_t at = 0;
  for (auto _ : s) {
    file->write_at(at, {&view, 1}).value();
    file->sync().value();
    at += bytes.size();
  }
  count(s, 1, bytes.size());
}

// Arguments: records for one sync, bytes of a record, KiB of zeros written ahead.
void append_and_sync(benchmark::State& s) {
  place p;
  log_options options;
  options.directory = "log";
  options.zeros_ahead_bytes = static_cast<std::uint32_t>(s.range(2) * 1024);
  auto l = log::open(p.on(), options, {}, {}).value();
  std::string bytes(static_cast<std::size_t>(s.range(1)), 'x');
  auto view = as_bytes(bytes);
  for (auto _ : s) {
    for (auto i = s.range(0); i > 0; --i) l->append({.type = 1, .id = {}, .n1 = 0, .n2 = 0}, {&view, 1}).value();
    l->sync().value();
  }
  count(s, s.range(0), bytes.size());
}

void append_only(benchmark::State& s) {
  place p;
  auto l = log::open(p.on(), {.directory = "log"}, {}, {}).value();
  std::string bytes(static_cast<std::size_t>(s.range(0)), 'x');
  auto view = as_bytes(bytes);
  for (auto _ : s) l->append({.type = 1, .id = {}, .n1 = 0, .n2 = 0}, {&view, 1}).value();
  count(s, 1, bytes.size());
}

void read_back(benchmark::State& s) {
  place p;
  auto l = log::open(p.on(), {.directory = "log"}, {}, {}).value();
  std::string bytes(static_cast<std::size_t>(s.range(0)), 'x');
  auto view = as_bytes(bytes);
  std::vector<log_position> at;
  for (std::size_t written = 0; written < (std::size_t{200} << 20); written += bytes.size())
    at.push_back(l->append({.type = 1, .id = {}, .n1 = 0, .n2 = 0}, {&view, 1}).value());
  std::size_t i = 0;
  for (auto _ : s) benchmark::DoNotOptimize(l->read(at[(i += 7919) % at.size()]).value());
  count(s, 1, bytes.size());
}

// Replay: what opening costs, for each record.
void replay(benchmark::State& s) {
  place p;
  std::string bytes(static_cast<std::size_t>(s.range(0)), 'x');
  auto view = as_bytes(bytes);
  std::int64_t records = 0;
  {
    auto l = log::open(p.on(), {.directory = "log"}, {}, {}).value();
    for (; records * s.range(0) < (std::int64_t{200} << 20); ++records)
      l->append({.type = 1, .id = {}, .n1 = 0, .n2 = 0}, {&view, 1}).value();
    l->sync().value();
  }
  for (auto _ : s) {
    std::int64_t seen = 0;
    log::open(p.on(), {.directory = "log"}, {}, [&](auto&) -> result<> { return ++seen, result<>{}; }).value();
    if (seen != records) s.SkipWithError("records are missing");
  }
  count(s, records, bytes.size());
}

} // namespace

BENCHMARK(plain_write_and_fdatasync)->Arg(4096)->Arg(1 << 20)->UseRealTime()->MinTime(2);
BENCHMARK(append_and_sync)
  ->ArgNames({"records", "bytes", "zeros_kib"})
  ->Args({1, 4096, 0})
  ->Args({1, 4096, 64})
  ->Args({1, 4096, 256})
  ->Args({1, 4096, 1024})
  ->Args({1, 200, 0})
  ->Args({1, 200, 256})
  ->Args({64, 4096, 0})
  ->Args({64, 4096, 256})
  ->Args({1, 1 << 20, 0})
  ->Args({1, 1 << 20, 256})
  ->UseRealTime()
  ->MinTime(2);
BENCHMARK(append_only)->Arg(200)->Arg(4096)->Arg(1 << 20)->UseRealTime();
BENCHMARK(read_back)->Arg(200)->Arg(4096)->Arg(1 << 20)->UseRealTime();
BENCHMARK(replay)->Arg(200)->Arg(4096)->Arg(1 << 20)->UseRealTime();
