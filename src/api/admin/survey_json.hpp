// survey_json: a survey as JSON (docs/ADMIN.md has every field). What was not measured is left out, never zero. Numbers
// over 2^53 (Raft ids) are strings.
#pragma once

#include "actors/survey.hpp"

#include <boost/json/object.hpp>

#include <cstdint>
#include <optional>

namespace troupe::admin {

// Rows of table repairs, as far as they were counted.
struct repair_count {
  std::uint64_t rows = 0;
  bool more = false;
};

boost::json::object status_json(
  const cluster_survey&, const std::optional<repair_count>&, const std::optional<pb::healing_report>&);
boost::json::object nodes_json(const cluster_survey&, const std::optional<pb::healing_report>&);
boost::json::object raft_json(const cluster_survey&);
// A line of the map.
boost::json::object node_json(const cluster_node&);

// The member that leads in the highest term, as far as anybody answered; null when none does.
const pb::metadata_status* leader_of(const cluster_survey&);

} // namespace troupe::admin
