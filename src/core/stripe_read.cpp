#include "core/stripe_read.hpp"

#include <bit>

namespace troupe {

stripe_read::stripe_read(std::uint32_t k, std::uint32_t m, std::uint32_t empty, std::vector<std::uint32_t> order)
    : k_(k), order_(std::move(order)), here_(empty) {
  if (order_.empty())
    for (std::uint32_t i = 0; i < k + m; ++i) order_.push_back(i);
}

std::uint32_t stripe_read::count(std::uint32_t bits) { return static_cast<std::uint32_t>(std::popcount(bits)); }

stripe_read::asks stripe_read::want(std::uint32_t piece) {
  wanted_ |= bit(piece);
  return next();
}

stripe_read::asks stripe_read::arrived(std::uint32_t piece) {
  asked_ &= ~bit(piece);
  overdue_ &= ~bit(piece);
  here_ |= bit(piece);
  return next();
}

stripe_read::asks stripe_read::failed(std::uint32_t piece) {
  asked_ &= ~bit(piece);
  overdue_ &= ~bit(piece);
  lost_ |= bit(piece);
  return next();
}

stripe_read::asks stripe_read::overdue(std::uint32_t piece) {
  if (waiting(piece)) overdue_ |= bit(piece);
  return next();
}

stripe_read::asks stripe_read::next() {
  asks out;
  auto ask = [&](std::uint32_t piece) {
    asked_ |= bit(piece);
    out.push_back(piece);
  };
  auto unmet = wanted_ & ~here_;
  if (unmet == 0 || count(here_) >= k_) return out;
  bool decode = k_ == 1;
  if (k_ > 1) {
    for (auto piece : order_)
      if ((unmet & bit(piece) & ~asked_ & ~lost_) != 0) ask(piece);
    decode = (unmet & (lost_ | overdue_)) != 0;
  }
  if (!decode) return out;
  auto promising = count(here_ | (asked_ & ~overdue_));
  for (auto piece : order_) {
    if (promising >= k_) break;
    if (((asked_ | here_ | lost_) & bit(piece)) != 0) continue;
    ask(piece);
    ++promising;
  }
  return out;
}

bool stripe_read::possible() const {
  auto unmet = wanted_ & ~here_;
  if (unmet == 0) return true;
  auto pieces = static_cast<std::uint32_t>(order_.size());
  return (unmet & lost_) == 0 || pieces - count(lost_) >= k_;
}

} // namespace troupe
