// relocation: which pieces of an extent must be somewhere else under the cluster map of today, where, and how they get
// there. A plan only: the caller copies or rebuilds the pieces, syncs their nodes, then replaces the extent in its row
// (core/extent_rows.hpp), and has what was left behind removed (core/vacated.hpp).
// Pieces that need not move do not: the record says where they are. No stripe gets two pieces on one node, nor two in one
// zone while another zone has a place. Errors: ec::corrupt for an extent that makes no sense.
#pragma once

#include "base/error.hpp"
#include "base/ids.hpp"
#include "core/cluster_map.hpp"
#include "core/ring.hpp"
#include "troupe.pb.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace troupe {

struct relocation_view {
  const cluster_map& map;
  const ring& places; // places_of(map), made once for many extents
  // Whether the node can be copied from and written to now, by gossip. A node that is up but can not be reached keeps its
  // pieces (it returns, or will be down) and gets none.
  std::function<bool(const node_id&)> reachable;
  // Nodes that must not get pieces of this extent: those where an earlier removal of its data_id may still be on its way.
  std::vector<node_id> barred = {};
};

enum class relocation_goal : std::uint8_t {
  protect, // only pieces on nodes that are down, gone or draining, and second pieces of a stripe on one node
  balance, // also pieces on nodes where the ring would not put the extent today
};

// One piece of the stripes [first_stripe, end_stripe).
struct piece_move {
  // Read it from `from` (which may lack it: then rebuild it all the same), or decode it from the others.
  enum class source : std::uint8_t { copy, rebuild };
  std::uint64_t first_stripe = 0, end_stripe = 0;
  std::uint32_t piece = 0;
  node_id from, to;
  source how = source::copy;
  std::uint64_t bytes = 0; // of the piece in all these stripes, as stored; never 0
  friend bool operator==(const piece_move&, const piece_move&) = default;
};

// A piece that should move and can not now: it stays where the record has it.
struct stuck_piece {
  enum class reason : std::uint8_t {
    no_place,   // every reachable node that takes data has a piece of the stripe already: add nodes
    unreadable, // it must be decoded, and fewer than k of the others can be read now
  };
  std::uint64_t first_stripe = 0, end_stripe = 0;
  std::uint32_t piece = 0;
  node_id node;
  reason why = reason::no_place;
  bool lost = false; // its node is down or gone: these stripes are under-protected. Else it can still be read
  friend bool operator==(const stuck_piece&, const stuck_piece&) = default;
};

struct relocation {
  pb::extent extent;    // with the nodes after the moves
  bool changed = false; // whether that differs; it may without a move: empty pieces are nowhere
  std::vector<piece_move> moves;
  std::vector<stuck_piece> stuck;
};

result<relocation> relocate(const pb::extent&, relocation_goal, const relocation_view&);

} // namespace troupe
