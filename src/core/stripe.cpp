#include "core/stripe.hpp"

#include <algorithm>
#include <string>

namespace troupe {
namespace {

constexpr std::uint32_t k_max = 16;
constexpr std::uint32_t m_max = 8;
constexpr std::uint32_t piece_bytes_max = std::uint32_t{1} << 20;

} // namespace

result<> check(const stripe_geometry& g) {
  if (g.k >= 1 && g.k <= k_max && g.m <= m_max && g.piece_bytes >= 1 && g.piece_bytes <= piece_bytes_max) return {};
  return fail(ec::bad_argument,
    "stripe geometry out of range: k=" + std::to_string(g.k) + " m=" + std::to_string(g.m) +
      " piece_bytes=" + std::to_string(g.piece_bytes));
}

stripe_layout::stripe_layout(stripe_geometry geometry, std::uint64_t size) : geometry_(geometry), size_(size) {}

std::uint64_t stripe_layout::stripes() const {
  auto stripe_bytes = std::uint64_t{geometry_.k} * geometry_.piece_bytes;
  return size_ / stripe_bytes + (size_ % stripe_bytes != 0 ? 1 : 0);
}

std::uint32_t stripe_layout::piece_bytes(std::uint64_t stripe) const {
  auto stripe_bytes = std::uint64_t{geometry_.k} * geometry_.piece_bytes;
  auto rest = size_ - std::min(size_, stripe * stripe_bytes);
  if (rest >= stripe_bytes) return geometry_.piece_bytes;
  return static_cast<std::uint32_t>((rest + geometry_.k - 1) / geometry_.k);
}

std::uint32_t stripe_layout::data_bytes(std::uint64_t stripe, std::uint32_t piece) const {
  auto length = std::uint64_t{piece_bytes(stripe)};
  auto begin = stripe * geometry_.k * geometry_.piece_bytes + piece * length;
  return static_cast<std::uint32_t>(std::min(length, size_ - std::min(size_, begin)));
}

piece_range stripe_layout::at(std::uint64_t offset) const {
  auto stripe_bytes = std::uint64_t{geometry_.k} * geometry_.piece_bytes;
  piece_range r;
  r.stripe = offset / stripe_bytes;
  auto within = offset % stripe_bytes;
  auto length = piece_bytes(r.stripe);
  r.piece = static_cast<std::uint32_t>(within / length);
  r.offset = static_cast<std::uint32_t>(within % length);
  r.length = data_bytes(r.stripe, r.piece) - r.offset;
  return r;
}

std::vector<piece_range> stripe_layout::ranges(std::uint64_t offset, std::uint64_t length) const {
  std::vector<piece_range> out;
  offset = std::min(offset, size_);
  auto end = offset + std::min(length, size_ - offset);
  while (offset < end) {
    auto r = at(offset);
    r.length = static_cast<std::uint32_t>(std::min<std::uint64_t>(r.length, end - offset));
    offset += r.length;
    out.push_back(r);
  }
  return out;
}

} // namespace troupe
