// histogram: latencies in microseconds in log-linear buckets, for percentiles with a bounded error and bounded memory.
// Exact below 128 us; above, 64 buckets for each doubling, so a reported value is at most 1.6 % too high.
// Not thread-safe: one for each worker, merged at the end.
#pragma once

#include <array>
#include <cstdint>

namespace troupe::cli {

class histogram {
public:
  void add(std::uint64_t us) noexcept;
  void merge(const histogram&) noexcept;

  std::uint64_t count() const noexcept { return count_; }
  std::uint64_t max() const noexcept { return max_; } // exact
  double mean() const noexcept { return count_ == 0 ? 0.0 : static_cast<double>(sum_) / static_cast<double>(count_); }

  // The smallest recorded bound that at least `fraction` (0 to 1) of the values do not exceed; 0 when empty.
  std::uint64_t percentile(double fraction) const noexcept;

private:
  static constexpr unsigned sub_bits = 6;
  static constexpr unsigned octaves_max = 40; // 2^40 us is 12 days; longer counts in the last bucket
  static constexpr std::size_t bucket_count = std::size_t{octaves_max - sub_bits + 1} << sub_bits;

  static std::size_t bucket_of(std::uint64_t us) noexcept;
  static std::uint64_t highest_in(std::size_t bucket) noexcept;

  std::array<std::uint64_t, bucket_count> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
  std::uint64_t max_ = 0;
};

} // namespace troupe::cli
