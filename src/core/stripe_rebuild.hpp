// stripe_rebuild: lost pieces of a stripe made anew from those that are there. Pieces as they are stored: a data piece
// without the zeros behind its content, a parity piece whole.
#pragma once

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "codec/erasure.hpp"
#include "core/stripe.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace troupe {

// How many bytes of a piece are stored.
std::uint32_t stored_bytes(const stripe_layout&, std::uint64_t stripe, std::uint32_t piece);
// The same piece of all stripes in [first, end); nothing when end <= first. Precondition: end <= stripes().
std::uint64_t stored_bytes(const stripe_layout&, std::uint64_t first, std::uint64_t end, std::uint32_t piece);

// `pieces` has k + m entries, nothing where one is missing; each of stored_bytes(), empty data pieces included. The
// answer is in the order of `wanted`. ec::unavailable when fewer than k are there.
result<std::vector<chunk>> rebuild_pieces(const erasure_codec&, const stripe_layout&, std::uint64_t stripe,
  std::span<const std::optional<chunk>> pieces, std::span<const std::uint32_t> wanted);

} // namespace troupe
