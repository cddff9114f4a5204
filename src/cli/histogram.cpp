#include "cli/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace troupe::cli {

// A value v with its highest bit at h >= sub_bits lies in octave h - sub_bits, sub-bucket = the sub_bits bits below h.
// Buckets [0, 64) and [64, 128) hold exactly one value each.
std::size_t histogram::bucket_of(std::uint64_t us) noexcept {
  us = std::min(us, (std::uint64_t{1} << octaves_max) - 1);
  if (us < (1u << sub_bits)) return us;
  const auto shift = static_cast<unsigned>(std::bit_width(us)) - 1 - sub_bits;
  return (std::size_t{shift} << sub_bits) + static_cast<std::size_t>(us >> shift);
}

std::uint64_t histogram::highest_in(std::size_t bucket) noexcept {
  if (bucket < (2u << sub_bits)) return bucket;
  const auto shift = (bucket >> sub_bits) - 1;
  const auto top = bucket - (shift << sub_bits);
  return ((std::uint64_t{top} + 1) << shift) - 1;
}

void histogram::add(std::uint64_t us) noexcept {
  ++buckets_[bucket_of(us)];
  ++count_;
  sum_ += us;
  max_ = std::max(max_, us);
}

void histogram::merge(const histogram& other) noexcept {
  for (std::size_t i = 0; i != buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  sum_ += other.sum_;
  max_ = std::max(max_, other.max_);
}

std::uint64_t histogram::percentile(double fraction) const noexcept {
  if (count_ == 0) return 0;
  const auto clamped = std::clamp(fraction, 0.0, 1.0);
  const auto rank =
    std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(clamped * static_cast<double>(count_))));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i != buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen >= rank) return std::min(highest_in(i), max_);
  }
  return max_;
}

} // namespace troupe::cli
