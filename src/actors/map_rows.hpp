// map_rows: the rows of table system that the RING MANAGER reads: the cluster map, and what is noted beside it.
#pragma once

#include "core/tables.hpp"
#include "troupe.pb.h"

#include <map>
#include <optional>
#include <string>

namespace troupe {

using row_values = std::map<std::string, std::string>; // by key; those that exist

inline std::string map_key() { return tables::system_row("cluster_map"); }

inline std::optional<std::string> value_of(const row_values& rows, const std::string& key) {
  auto found = rows.find(key);
  return found == rows.end() ? std::nullopt : std::optional{found->second};
}
inline std::optional<std::string> row_in(const row_values& rows) { return value_of(rows, map_key()); }

inline row_values rows_of(const pb::read_reply& reply) {
  row_values rows;
  for (auto& row : reply.rows()) rows[row.key()] = row.value();
  return rows;
}

} // namespace troupe
