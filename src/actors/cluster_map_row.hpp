// cluster_map_row: the row that holds the cluster map (actors/map_rows.hpp), parsed and replaced.
#pragma once

#include "actors/wire.hpp"
#include "base/environment.hpp"
#include "base/error.hpp"
#include "core/cluster_map.hpp"
#include "troupe.pb.h"

#include <optional>
#include <string>

namespace troupe {

// An empty map where there is no row. ec::corrupt: it does not parse; ec::conflict: it is another cluster's.
result<cluster_map> map_in(const std::string& cluster, const std::optional<std::string>& row);

// Puts the next map in place of the one that it was made from, if that is still there.
wire<pb::batch> replacing_map(const cluster_map& next, const std::optional<std::string>& before, unix_ms now);

} // namespace troupe
