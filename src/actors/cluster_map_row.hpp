// cluster_map_row: the row of table system that holds the cluster map: what it is read with, parsed and replaced by.
#pragma once

#include "actors/wire.hpp"
#include "base/environment.hpp"
#include "base/error.hpp"
#include "core/cluster_map.hpp"
#include "troupe.pb.h"

#include <map>
#include <optional>
#include <string>

namespace troupe {

using row_values = std::map<std::string, std::string>; // by key; those that exist

std::string map_key();
row_values rows_of(const pb::read_reply&);
// Nothing when there is no map yet.
std::optional<std::string> row_in(const row_values&);
// An empty map where there is no row. ec::corrupt: it does not parse; ec::conflict: it is another cluster's.
result<cluster_map> map_in(const std::string& cluster, const std::optional<std::string>& row);

// Puts the next map in place of the one that it was made from, if that is still there.
wire<pb::batch> replacing_map(const cluster_map& next, const std::optional<std::string>& before, unix_ms now);

} // namespace troupe
