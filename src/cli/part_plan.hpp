// part_plan: how large the parts of a multipart upload or copy are, by S3's limits.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
#pragma once

#include "base/error.hpp"

#include <cstdint>

namespace troupe::cli {

inline constexpr std::uint64_t mib = std::uint64_t{1} << 20;
inline constexpr std::uint64_t part_bytes_default = 8 * mib;
inline constexpr std::uint64_t part_bytes_min = 5 * mib; // S3: all parts but the last
inline constexpr std::uint64_t part_bytes_max = 5 * 1024 * mib;
inline constexpr unsigned parts_max = 10'000;
inline constexpr std::uint64_t single_put_bytes_max = 16 * mib; // a larger file goes up in parts
inline constexpr std::uint64_t single_copy_bytes_max = 5 * 1024 * mib;

struct part_plan {
  std::uint64_t total_bytes = 0;
  std::uint64_t part_bytes = 0; // of every part but the last
  unsigned parts = 0;

  std::uint64_t offset(unsigned index) const { return std::uint64_t{index} * part_bytes; }
  std::uint64_t size(unsigned index) const { return index + 1 == parts ? total_bytes - offset(index) : part_bytes; }
};

// For a known size: parts of at least `wanted` bytes, a whole number of MiB larger when there would be more than 10,000.
// One part (maybe empty) for an empty body. ec::too_large over 10,000 parts of 5 GiB.
result<part_plan> plan_parts(std::uint64_t total_bytes, std::uint64_t wanted = part_bytes_default);

// For a stream of unknown length: the size of part `index` (from 0). Starts at `first` and doubles every 1,500 parts
// up to 512 MiB, so memory stays small for what is usual and 1.2 TiB fit in 10,000 parts.
std::uint64_t stream_part_bytes(unsigned index, std::uint64_t first = part_bytes_default);

} // namespace troupe::cli
