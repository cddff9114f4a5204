// quorum: when a write counts as kept. W = k + max(1, floor(m / 2)) pieces of every stripe must be on disk: enough to
// read, and one more than that whenever there is parity at all (3 copies: 2; RS(3,2): 4). REQUIREMENTS X4.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

namespace troupe {

constexpr std::uint32_t write_quorum(std::uint32_t k, std::uint32_t m) { return m == 0 ? k : k + std::max(1u, m / 2); }

// What a client waits for. `first`: one copy; the others are written down for repair and follow. Only for copies: one
// piece of k is nothing.
enum class durability : std::uint8_t { quorum, all, first };

constexpr std::uint32_t pieces_needed(std::uint32_t k, std::uint32_t m, durability d) {
  return d == durability::all ? k + m : d == durability::first ? k : write_quorum(k, m);
}

// The pieces of one stripe on their way to disk.
class stripe_quorum {
public:
  enum class state { waiting, acknowledged, impossible };

  // Precondition: needed <= pieces <= 32.
  stripe_quorum(std::uint32_t pieces, std::uint32_t needed) : pieces_(pieces), needed_(needed) {}

  // Each returns the state after the event; the last word about a piece counts. A piece that is tried again elsewhere is
  // simply not reported as failed until no place is left.
  state acknowledged(std::uint32_t piece) {
    acked_ |= bit(piece);
    failed_ &= ~bit(piece);
    return now();
  }
  state failed(std::uint32_t piece) {
    failed_ |= bit(piece);
    acked_ &= ~bit(piece);
    return now();
  }

  state now() const {
    if (count(acked_) >= needed_) return state::acknowledged;
    return pieces_ - count(failed_) < needed_ ? state::impossible : state::waiting;
  }
  bool has(std::uint32_t piece) const { return (acked_ & bit(piece)) != 0; }
  bool lost(std::uint32_t piece) const { return (failed_ & bit(piece)) != 0; }
  bool settled() const { return count(acked_ | failed_) == pieces_; } // nothing is on its way any more
  std::uint32_t acks() const { return count(acked_); }

private:
  static constexpr std::uint32_t bit(std::uint32_t piece) { return std::uint32_t{1} << piece; }
  static std::uint32_t count(std::uint32_t bits) { return static_cast<std::uint32_t>(std::popcount(bits)); }

  std::uint32_t pieces_, needed_;
  std::uint32_t acked_ = 0, failed_ = 0;
};

} // namespace troupe
