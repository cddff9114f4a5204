// extent_map: where the pieces of a recorded extent are. Checks what it is given: an extent comes from a table row or a
// peer. The row's types stay outside: core/extent_codec.hpp.
#pragma once

#include "base/error.hpp"
#include "base/ids.hpp"
#include "core/placement.hpp"
#include "core/stripe.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

// The stripes [first, end) have their pieces on the same nodes.
struct stripe_run {
  std::uint64_t first = 0, end = 0; // end <= first in a run behind the last stripe: nothing is stored
  std::vector<node_id> nodes;       // nodes[i] holds piece i
};

class extent_map {
public:
  // ec::corrupt: sizes out of range, a run without k + m nodes, or runs that do not begin at stripe 0 and ascend.
  static result<extent_map> make(
    std::string_view data_id_bytes, std::uint64_t size, stripe_geometry, std::vector<placement_run>);

  const data_id& id() const { return id_; }
  const stripe_layout& layout() const { return layout_; }
  // nodes[i] holds piece i. Precondition: stripe < layout().stripes().
  const std::vector<node_id>& nodes_of(std::uint64_t stripe) const;
  std::vector<stripe_run> runs() const;                   // ascending
  std::vector<node_id> all_nodes() const;                 // each once
  std::uint32_t empty_pieces(std::uint64_t stripe) const; // bits of the data pieces without bytes

private:
  extent_map(data_id id, stripe_layout layout, std::vector<placement_run> runs)
      : id_(id), layout_(layout), runs_(std::move(runs)) {}

  data_id id_;
  stripe_layout layout_;
  std::vector<placement_run> runs_;
};

} // namespace troupe
