// extent_rows: the extents that a metadata row names (tables objects, parts, manifests), and a row with one of them placed
// elsewhere. The caller commits the new value under precondition equals(tables::digest_of(the old one)): whoever overwrote
// or deleted the row meanwhile wins.
// Errors: ec::corrupt when the value is not what its table holds; ec::bad_argument for another table.
#pragma once

#include "base/error.hpp"
#include "core/tables.hpp"
#include "troupe.pb.h"

#include <array>
#include <string>
#include <vector>

namespace troupe {

inline constexpr std::array tables_with_extents{tables::objects, tables::parts, tables::manifests};

// In the row's order; none when the content lies in the row itself.
result<std::vector<pb::extent>> extents_in(char table, const std::string& value);

// The row with this extent instead of the one that has its data_id. ec::not_found: the row does not name that data_id (any
// more). ec::bad_argument: another size or geometry, or placements that do not fit them: only nodes may change.
result<std::string> with_extent(char table, const std::string& value, const pb::extent&);

} // namespace troupe
