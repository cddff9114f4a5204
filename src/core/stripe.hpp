// stripe: how content of a given size is cut into stripes of k data and m parity pieces (docs/ARCHITECTURE.md).
// All pieces of one stripe have one length: geometry.piece_bytes, except in the last stripe, where the rest is
// spread evenly: ceil(rest / k), the last data pieces being short or empty (zeros beyond the end, not stored).
#pragma once

#include "base/error.hpp"

#include <cstdint>
#include <vector>

namespace troupe {

struct stripe_geometry {
  std::uint32_t k = 1;           // 1..16
  std::uint32_t m = 0;           // 0..8
  std::uint32_t piece_bytes = 0; // 1..1 MiB
  friend bool operator==(const stripe_geometry&, const stripe_geometry&) = default;
};

result<> check(const stripe_geometry&);

// A part of one data piece that a range read needs.
struct piece_range {
  std::uint64_t stripe = 0;
  std::uint32_t piece = 0;
  std::uint32_t offset = 0; // in the piece
  std::uint32_t length = 0;
  friend bool operator==(const piece_range&, const piece_range&) = default;
};

class stripe_layout {
public:
  // Precondition: check(geometry).
  stripe_layout(stripe_geometry geometry, std::uint64_t size);

  const stripe_geometry& geometry() const { return geometry_; }
  std::uint64_t size() const { return size_; }
  std::uint64_t stripes() const; // 0 for empty content
  // What the codec works on: the length of every piece of the stripe, parity included.
  std::uint32_t piece_bytes(std::uint64_t stripe) const;
  // What data piece i of the stripe really holds; may be 0 in the last stripe.
  std::uint32_t data_bytes(std::uint64_t stripe, std::uint32_t piece) const;
  // The data pieces that hold [offset, offset + length), in order; clipped to the content.
  std::vector<piece_range> ranges(std::uint64_t offset, std::uint64_t length) const;
  // Cursor over the non-empty data pieces of a range without building the whole list: the first of them.
  piece_range at(std::uint64_t offset) const; // precondition: offset < size; length runs to the piece's end

  friend bool operator==(const stripe_layout&, const stripe_layout&) = default;

private:
  stripe_geometry geometry_;
  std::uint64_t size_;
};

} // namespace troupe
