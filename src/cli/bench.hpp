// bench: `troupe bench`: what is measured and with which parameters. Closed loop: a server that stalls is asked less, so
// the latencies of a stall are those of few requests; compare runs of equal concurrency.
#pragma once

#include "base/error.hpp"
#include "cli/connection.hpp"
#include "cli/load.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>

namespace troupe::cli {

enum class bench_mode : std::uint8_t { put, get, mixed, list };
std::string_view name_of(bench_mode) noexcept;

struct bench_config {
  connection where;
  bench_mode mode = bench_mode::put;
  std::uint64_t object_bytes = 4096;
  unsigned concurrency = 16;
  unsigned threads = 1;
  std::chrono::milliseconds duration{10'000};
  std::uint64_t objects = 0;  // 0: fresh keys for put, 1000 for get and mixed, 10,000 for list
  unsigned read_percent = 70; // of mixed
  std::string bucket;         // empty: one is made, and removed at the end
  bool existing = false;      // list what is there: prepare nothing, remove nothing
  bool keep = false;          // leave the objects (and a bucket that was made)
  bool signed_payload = false;
  bool progress = false;
  std::stop_token stop;
};

struct bench_report {
  load_result load;  // of put, get, mixed
  load_totals pages; // of list: its latency is of one page
  std::uint64_t keys_listed = 0;
  std::uint64_t objects_prepared = 0;
  bool list = false;
  std::optional<error> cleanup; // what could not be removed
};

// The bench_mode's whole run: bucket, preparation, measurement, clean-up. An error only when nothing could be measured.
result<bench_report> run_bench(const bench_config&);

// Lists all keys below `prefix` again and again, in `concurrency` threads, until the time is over.
result<bench_report> run_list_load(const bench_config&, const std::string& bucket, const std::string& prefix);

// For people, and as one JSON document.
std::string report_text(const bench_config&, const bench_report&);
std::string report_json(const bench_config&, const bench_report&);

} // namespace troupe::cli
