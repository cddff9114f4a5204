// latency_histogram: how long something took, counted by buckets: from 50 us to 13 s, two for each doubling, so that a
// percentile read from it is at most a half too high. Thread safe, without locks: a reader may see an observation in the
// count and not yet in the sum.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace troupe {

class latency_histogram {
public:
  static constexpr std::size_t buckets = 38; // the last one: longer than every bound
  // Upper bound of a bucket but the last, inclusive: 50, 72, 100, 144, 200, 288, ... us.
  static constexpr std::chrono::microseconds bound(std::size_t bucket) {
    return std::chrono::microseconds{(bucket % 2 == 0 ? 50 : 72) << bucket / 2};
  }

  void observe(std::chrono::nanoseconds took) {
    std::size_t i = 0;
    while (i + 1 < buckets && took > bound(i)) ++i;
    counts_[i].fetch_add(1, std::memory_order_relaxed);
    auto us = std::chrono::duration_cast<std::chrono::microseconds>(took).count();
    sum_us_.fetch_add(us < 0 ? 0 : static_cast<std::uint64_t>(us), std::memory_order_relaxed);
  }
  std::uint64_t count(std::size_t bucket) const { return counts_[bucket].load(std::memory_order_relaxed); }
  std::chrono::microseconds sum() const {
    return std::chrono::microseconds{static_cast<std::int64_t>(sum_us_.load(std::memory_order_relaxed))};
  }

private:
  std::array<std::atomic<std::uint64_t>, buckets> counts_{};
  std::atomic<std::uint64_t> sum_us_{0};
};

// What a process measures of its own work for the cluster, since its start; for /metrics.
struct process_latencies {
  latency_histogram heartbeat; // from a gossip probe to its answer, by whatever way it came
  std::atomic<std::uint64_t> heartbeats_unanswered{0};
  latency_histogram commit; // of metadata, from its arrival at the leader to its answer; of this process' member
};

} // namespace troupe
