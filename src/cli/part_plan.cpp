#include "cli/part_plan.hpp"

#include <algorithm>
#include <string>

namespace troupe::cli {

result<part_plan> plan_parts(std::uint64_t total_bytes, std::uint64_t wanted) {
  if (total_bytes > std::uint64_t{parts_max} * part_bytes_max)
    return fail(ec::too_large, std::to_string(total_bytes) + " bytes do not fit in 10,000 parts of 5 GiB");
  auto size = std::clamp(wanted, part_bytes_min, part_bytes_max);
  const auto needed = (total_bytes + parts_max - 1) / parts_max;
  if (size < needed) size = (needed + mib - 1) / mib * mib;
  const auto parts = std::max<std::uint64_t>(1, (total_bytes + size - 1) / size);
  return part_plan{.total_bytes = total_bytes, .part_bytes = size, .parts = static_cast<unsigned>(parts)};
}

std::uint64_t stream_part_bytes(unsigned index, std::uint64_t first) {
  constexpr std::uint64_t largest = 512 * mib;
  first = std::clamp(first, part_bytes_min, part_bytes_max);
  return std::max(first, std::min(largest, first << std::min(index / 1500, 10u)));
}

} // namespace troupe::cli
