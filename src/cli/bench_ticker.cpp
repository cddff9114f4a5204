#include "cli/bench_ticker.hpp"

#include "codec/units.hpp"

#include <condition_variable>
#include <cstdio>
#include <mutex>

namespace troupe::cli {

std::string ticker_line(
  std::string_view label, unsigned seconds, std::uint64_t operations, std::uint64_t bytes, std::uint64_t failures) {
  auto line = std::string{label} + "  " + std::to_string(seconds) + " s  " + std::to_string(operations) + " ops/s  " +
    human_bytes(bytes) + "/s";
  if (failures != 0) line += "  " + std::to_string(failures) + " errors";
  return line;
}

bench_ticker::bench_ticker(const load_gauge& gauge, std::string label, bool shown) : shown_(shown) {
  if (!shown) return;
  thread_ = std::jthread{[&gauge, label = std::move(label)](const std::stop_token& stop) {
    std::mutex m;
    std::condition_variable_any wake;
    std::unique_lock lock{m};
    std::uint64_t operations = 0, bytes = 0;
    for (unsigned second = 1;; ++second) {
      wake.wait_for(lock, stop, std::chrono::seconds{1}, [] { return false; });
      if (stop.stop_requested()) return;
      const auto operations_now = gauge.operations.load(std::memory_order_relaxed);
      const auto bytes_now = gauge.bytes.load(std::memory_order_relaxed);
      const auto line = ticker_line(
        label, second, operations_now - operations, bytes_now - bytes, gauge.failures.load(std::memory_order_relaxed));
      std::fprintf(stderr, "\r%s\x1b[K", line.c_str());
      operations = operations_now;
      bytes = bytes_now;
    }
  }};
}

bench_ticker::~bench_ticker() {
  if (!shown_) return;
  thread_.request_stop();
  thread_.join();
  std::fputs("\r\x1b[K", stderr);
}

} // namespace troupe::cli
