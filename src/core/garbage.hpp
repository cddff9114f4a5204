// garbage: what a row of table garbage leaves to be reclaimed, and when it may be.
#pragma once

#include "base/environment.hpp"
#include "base/error.hpp"
#include "base/ids.hpp"
#include "troupe.pb.h"

#include <optional>
#include <vector>

namespace troupe {

struct reclaimable {
  std::vector<pb::extent> extents;    // pieces on nodes
  std::optional<data_id> manifest_id; // a manifest row whose parts' extents are to be reclaimed as well, then the row
};

// ec::corrupt when the row's value does not parse as what its table holds.
result<reclaimable> reclaimable_of(const pb::garbage_record&);
void add_extents(const pb::manifest&, reclaimable&);

// A reader that looked at the record just before it was replaced has had time to pin it. A clock that jumped back
// only delays.
inline bool old_enough(const pb::garbage_record& row, unix_ms now, unix_ms grace_ms) {
  return row.deleted_ms() + grace_ms <= now;
}

} // namespace troupe
