// load: a closed-loop load generator for HTTP, plain or over TLS: every connection sends its next request when the last is answered.
// Asio sockets instead of libcurl, because the generator shares the machine with the server it measures.
#pragma once

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "cli/connection.hpp"
#include "cli/histogram.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>

namespace troupe::cli {

enum class load_kind : std::uint8_t { put, get };
inline constexpr std::size_t load_kinds = 2;

struct load_step {
  load_kind kind = load_kind::put;
  std::string key;
};

struct load_totals {
  histogram latency; // of requests that succeeded
  std::uint64_t bytes = 0;
  std::map<std::string, std::uint64_t> errors; // by S3 code, or what the network did
  std::uint64_t failures() const;
  void merge(const load_totals&);
};

struct load_result {
  std::array<load_totals, load_kinds> kinds;
  double seconds = 0;
  double client_cpu_seconds = 0;
  const load_totals& of(load_kind k) const { return kinds[static_cast<std::size_t>(k)]; }
};

// What a running load has done so far; read by another thread for the progress line.
struct load_gauge {
  std::atomic<std::uint64_t> operations = 0;
  std::atomic<std::uint64_t> bytes = 0;
  std::atomic<std::uint64_t> failures = 0;
};

struct load_config {
  connection where;
  std::string bucket;
  unsigned connections = 16;
  unsigned threads = 1;
  std::optional<std::chrono::milliseconds> duration; // absent: until `next` has no more
  bytes_view body;                                   // of every PUT; GETs must be answered with as many bytes
  std::string payload_hash;                          // hex SHA-256 of `body`, or UNSIGNED-PAYLOAD
  std::stop_token stop;
  load_gauge* gauge = nullptr;
  // The next request of connection i; called from its thread. Nothing: this connection is done.
  std::function<std::optional<load_step>(unsigned connection)> next;
};

// Runs to the end. Requests still unanswered when the time is over are waited for, at most 10 s, and not counted.
// An error only when nothing could be started: an address that does not resolve, authorities that can not be read.
result<load_result> run_load(const load_config&);

} // namespace troupe::cli
