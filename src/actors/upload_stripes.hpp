// upload_stripes: the bytes of an upload's open stripes. Data pieces come in, parity is computed when a stripe's data is
// complete, everything goes when the stripe is settled. No CAF.
#pragma once

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "codec/erasure.hpp"
#include "core/stripe.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace troupe {

class upload_stripes {
public:
  upload_stripes(stripe_layout layout, erasure_codec codec) : layout_(layout), codec_(std::move(codec)) {}

  // The data piece that is due next; nothing when all have come.
  std::optional<piece_range> expected() const;
  // Takes it (ec::bad_argument when it is not of the expected length). Returns the piece numbers that can be written
  // now, of stripe `stripe`: the data piece, and all parity pieces with the last data piece.
  struct added {
    std::uint64_t stripe = 0;
    std::vector<std::uint32_t> pieces;
    bool first = false, last = false; // of its stripe
  };
  result<added> add(chunk);
  bool complete() const { return received_ == layout_.size(); }

  const chunk& piece(std::uint64_t stripe, std::uint32_t piece) const { return open_.at(stripe)[piece]; }
  void release(std::uint64_t stripe) { open_.erase(stripe); }
  std::vector<std::uint64_t> held() const;

private:
  void encode(std::uint64_t stripe);

  stripe_layout layout_;
  erasure_codec codec_;
  std::uint64_t received_ = 0;
  std::map<std::uint64_t, std::vector<chunk>> open_;
};

} // namespace troupe
