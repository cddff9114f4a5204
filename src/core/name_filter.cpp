#include "core/name_filter.hpp"

#include <algorithm>
#include <bit>
#include <string>
#include <utility>

#include <xxhash.h>

namespace troupe {
namespace {

constexpr unsigned probes = 7;
constexpr std::uint64_t bits_per_name = 10;

// Where to look first, and by how much to step.
std::pair<std::uint64_t, std::uint64_t> hashes(const data_id& id, std::string_view node, std::uint64_t seed) {
  std::string name{reinterpret_cast<const char*>(id.raw.data()), id.raw.size()};
  name += node;
  auto h = XXH3_128bits_withSeed(name.data(), name.size(), seed);
  return {h.low64, h.high64 | 1};
}

} // namespace

name_filter::name_filter(std::uint64_t expected, std::uint64_t seed) : seed_(seed) {
  auto names = std::min(expected, bytes_max); // nothing overflows
  auto bytes = std::clamp(std::bit_ceil(names * bits_per_name / 8), bytes_min, bytes_max);
  words_.resize(bytes / sizeof(std::uint64_t));
}

void name_filter::add(const data_id& id, std::string_view node) {
  auto [at, step] = hashes(id, node, seed_);
  auto mask = words_.size() * 64 - 1;
  for (unsigned i = 0; i < probes; ++i, at += step) words_[(at & mask) / 64] |= std::uint64_t{1} << (at % 64);
}

bool name_filter::may_have(const data_id& id, std::string_view node) const {
  if (words_.empty()) return false;
  auto [at, step] = hashes(id, node, seed_);
  auto mask = words_.size() * 64 - 1;
  for (unsigned i = 0; i < probes; ++i, at += step)
    if ((words_[(at & mask) / 64] >> (at % 64) & 1) == 0) return false;
  return true;
}

} // namespace troupe
