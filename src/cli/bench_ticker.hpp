// bench_ticker: the benchmark's progress line on stderr, once a second while it exists.
#pragma once

#include "cli/load.hpp"

#include <string>
#include <thread>

namespace troupe::cli {

class bench_ticker {
public:
  bench_ticker(const load_gauge&, std::string label, bool shown);
  ~bench_ticker();
  bench_ticker(const bench_ticker&) = delete;
  bench_ticker& operator=(const bench_ticker&) = delete;

private:
  std::jthread thread_;
  bool shown_;
};

// "put  12 s  8123 ops/s  31.7 MiB/s" and " 3 errors" when there are.
std::string ticker_line(
  std::string_view label, unsigned seconds, std::uint64_t operations, std::uint64_t bytes, std::uint64_t failures);

} // namespace troupe::cli
