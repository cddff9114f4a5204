// erasure: Reed-Solomon over GF(2^8): m parity pieces from k data pieces, any m lost of all rebuilt from the rest.
// A Cauchy matrix, whose square submatrices are all invertible, so every geometry and every loss pattern works; with
// k == 1 the parity pieces are plain copies. Buffers in, buffers out: how content is cut is core/stripe's business.
#pragma once

#include "base/bytes.hpp"
#include "base/error.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace troupe {

// Immutable after make(), so safe to share between threads.
class erasure_codec {
public:
  static constexpr std::size_t k_max = 16, m_max = 8, pieces_max = 20;
  static constexpr std::size_t bytes_max = std::size_t{1} << 30; // of one piece

  // bad_argument unless 1 <= k <= 16, m <= 8 and k + m <= 20.
  static result<erasure_codec> make(std::size_t k, std::size_t m);

  std::size_t k() const noexcept { return k_; }
  std::size_t m() const noexcept { return m_; }

  // Fills the m parity pieces. Precondition: data.size() == k, parity.size() == m, all of `bytes` (<= bytes_max), and
  // parity overlaps nothing. Short data pieces are to be padded with zeros by the caller.
  void encode(std::span<const std::byte* const> data, std::span<std::byte* const> parity, std::size_t bytes) const;

  // Rebuilds the pieces named by `wanted` (0..k-1 data, k..k+m-1 parity) into outputs[i], which overlap nothing. pieces
  // has k + m entries, null where a piece is missing. unavailable when fewer than k are there. Uses the first k that
  // are, data before parity; the decoding tables are made per call (microseconds).
  result<> reconstruct(std::span<const std::byte* const> pieces, std::span<const std::size_t> wanted,
    std::span<std::byte* const> outputs, std::size_t bytes) const;

private:
  erasure_codec(std::size_t k, std::size_t m);

  std::size_t k_, m_;
  std::vector<unsigned char> matrix_; // (k + m) rows of k coefficients; the first k rows are the identity
  std::vector<unsigned char> tables_; // ISA-L's expansion of the m parity rows
};

} // namespace troupe
