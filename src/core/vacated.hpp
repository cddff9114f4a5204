// vacated: what is left to clean up when an extent's new placement has been committed: pieces on the nodes that held them
// before, and a row of table repairs that speaks of the old placement.
// Removal is per data_id and node: a node that keeps some pieces keeps those that moved away, too, as garbage, until the
// whole extent is reclaimed.
#pragma once

#include "base/error.hpp"
#include "base/ids.hpp"
#include "troupe.pb.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace troupe {

struct vacated_node {
  node_id node;
  std::uint64_t bytes = 0; // of pieces that are elsewhere now
  friend bool operator==(const vacated_node&, const vacated_node&) = default;
};

struct vacated {
  std::vector<vacated_node>
    removable; // named no more: the data_id may be removed there, once nobody reads by the old record
  std::vector<vacated_node> kept; // still named, for other pieces: nothing may be removed there
};

// Nodes by name; those that are gone, too. ec::corrupt for an extent that makes no sense, ec::bad_argument for two that are
// not placements of the same content.
result<vacated> vacated_by(const pb::extent& was, const pb::extent& is);

// The row of table repairs after its extent was placed anew: pieces that have moved are no longer missing. Nothing: none
// is left, the row can go. Errors as above.
result<std::optional<pb::repair_record>> repair_after(const pb::repair_record&, const pb::extent& is);

} // namespace troupe
