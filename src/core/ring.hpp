// ring: consistent hashing of the cluster map's nodes. 150 positions per weight unit, 64 bits each, from xxh3 of
// "node#i"; clockwise; distinct zones before a zone's second node. Immutable: a changed map makes a new ring.
// Where a piece really is stands in its object's record, so a new ring never loses data: it only places new data.
#pragma once

#include "base/ids.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe {

struct ring_node {
  node_id id;
  std::string zone;         // nodes without a zone count as one zone each
  std::uint32_t weight = 1; // 0: takes no new data
};

class ring {
public:
  static constexpr std::uint32_t positions_per_weight = 150;

  ring() = default;
  // A name that occurs twice counts once (the first).
  explicit ring(std::vector<ring_node> nodes);

  const std::vector<ring_node>& nodes() const { return nodes_; } // sorted by name, as everybody has them
  // How many nodes can take data.
  std::size_t places() const { return places_; }
  // At most n distinct nodes, clockwise from the position: one of every zone, then the zones' second ones, and so on.
  std::vector<node_id> clockwise(std::uint64_t position, std::size_t n) const;

  static std::uint64_t position_of(bytes_view key);

private:
  struct point {
    std::uint64_t position;
    std::uint32_t node; // index in nodes_
    friend auto operator<=>(const point&, const point&) = default;
  };
  std::vector<ring_node> nodes_;
  std::vector<std::uint32_t> zone_of_node_; // dense numbers
  std::vector<point> points_;               // sorted
  std::size_t places_ = 0;
};

} // namespace troupe
