// placement: which nodes hold the pieces of an extent, and which geometry content gets when nobody chose one.
// An extent records its placements as runs: a stripe's pieces are where the last run at or before it says.
#pragma once

#include "base/error.hpp"
#include "base/ids.hpp"
#include "core/content_class.hpp"
#include "core/ring.hpp"
#include "core/stripe.hpp"

#include <atomic>
#include <cstdint>
#include <vector>

namespace troupe {

// The nodes for a data_id, best first: piece i goes to the i-th, the rest are spares.
std::vector<node_id> candidates(const ring&, const data_id&, std::size_t n);

// Content up to here is kept as three whole copies where five nodes would allow RS(3,2): either survives two losses,
// and three fsyncs and one read are fewer than five and three.
inline constexpr std::uint64_t small_content_bytes = std::uint64_t{64} << 10;
inline constexpr std::uint32_t default_piece_bytes = std::uint32_t{512} << 10;

// The storage nodes of the cluster, as one process sees them now.
struct node_counts {
  std::size_t known = 0; // that may hold data, reachable or not
  std::size_t alive = 0; // of those, how many take new data
};
// The same, told by one thread and read by others.
class live_node_counts {
public:
  explicit live_node_counts(node_counts now = {}) { set(now); }
  void set(node_counts now) {
    known_ = now.known;
    alive_ = now.alive;
  }
  node_counts get() const { return {known_, alive_}; }

private:
  std::atomic<std::size_t> known_, alive_;
};

// How content is to be kept (the configuration's `cluster`).
struct redundancy {
  std::uint32_t copies = 3; // of small content, and while there are too few nodes for erasure coding
  std::uint32_t data = 3;   // RS(data, parity)
  std::uint32_t parity = 2;
  std::uint32_t piece_bytes = default_piece_bytes;
};

// Erasure-coded while enough nodes are alive; else copies, or as many as there are nodes: a node that is away now gets its
// copy when it is back.
stripe_geometry default_geometry(node_counts nodes, std::uint64_t size, const redundancy& = {});
// The same where the bucket has a class of its own: that one, however many nodes there are (check_start() refuses).
stripe_geometry geometry_of(const content_class&, node_counts nodes, std::uint64_t size, const redundancy&);

// Where the pieces of a run of stripes are: nodes[i] holds piece i.
struct placement_run {
  std::uint64_t first_stripe = 0;
  std::vector<node_id> nodes;
  friend bool operator==(const placement_run&, const placement_run&) = default;
};

class placement_runs {
public:
  // Stripes in ascending order; a run begins where the nodes differ from the stripe before.
  void add(std::uint64_t stripe, const std::vector<node_id>& nodes);
  const std::vector<placement_run>& runs() const { return runs_; }

private:
  std::vector<placement_run> runs_;
};

} // namespace troupe
