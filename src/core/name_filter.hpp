// name_filter: which (data id, node) pairs were named, in a bounded amount of memory: a Bloom filter. What was added is always
// found; about one of a hundred others seems to be there, too, and another one under the next seed. Sized by what is expected.
#pragma once

#include "base/ids.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace troupe {

class name_filter {
public:
  static constexpr std::uint64_t bytes_min = std::uint64_t{1} << 20, bytes_max = std::uint64_t{64} << 20;

  name_filter() = default; // empty: nothing is in it, nothing may be added
  name_filter(std::uint64_t expected, std::uint64_t seed);
  void add(const data_id&, std::string_view node);
  bool may_have(const data_id&, std::string_view node) const;
  std::uint64_t bytes() const { return words_.size() * sizeof(std::uint64_t); }

private:
  std::vector<std::uint64_t> words_; // a power of two of them
  std::uint64_t seed_ = 0;
};

} // namespace troupe
