// stripe_read: which pieces of one stripe to ask for, so that the wanted ones come even when nodes are slow or gone.
// Pure. A wanted data piece is asked for itself; when it fails or is overdue, as many others are asked for as make it
// decodable. With k == 1 every piece is the content, so the most convenient one is asked for.
#pragma once

#include <cstdint>
#include <vector>

namespace troupe {

class stripe_read {
public:
  // empty: bits of the data pieces without bytes (known zeros). order: all pieces, most convenient first.
  stripe_read(std::uint32_t k, std::uint32_t m, std::uint32_t empty, std::vector<std::uint32_t> order);

  // Each returns the pieces to ask for now.
  using asks = std::vector<std::uint32_t>;
  asks want(std::uint32_t piece); // a data piece
  asks arrived(std::uint32_t piece);
  asks failed(std::uint32_t piece);
  asks overdue(std::uint32_t piece); // asked for long enough ago; it may still come

  bool here(std::uint32_t piece) const { return (here_ & bit(piece)) != 0; }
  bool waiting(std::uint32_t piece) const { return (asked_ & bit(piece)) != 0; } // asked, no answer yet
  // Here, or to be had by decoding what is here.
  bool obtainable(std::uint32_t piece) const { return here(piece) || count(here_) >= k_; }
  bool possible() const; // every wanted piece is here or may still be had

private:
  static constexpr std::uint32_t bit(std::uint32_t piece) { return std::uint32_t{1} << piece; }
  static std::uint32_t count(std::uint32_t bits);
  asks next();

  std::uint32_t k_;
  std::vector<std::uint32_t> order_;
  std::uint32_t wanted_ = 0, asked_ = 0, overdue_ = 0, here_ = 0, lost_ = 0;
};

} // namespace troupe
