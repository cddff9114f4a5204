// survey_json: a survey as JSON (docs/ADMIN.md has every field). What was not measured is left out, never zero. Numbers
// over 2^53 (Raft ids) are strings.
#pragma once

#include "actors/survey.hpp"
#include "api/admin/call.hpp"

#include <boost/json/object.hpp>

#include <cstdint>
#include <optional>

namespace troupe::admin {

boost::json::object status_json(
  const cluster_survey&, const std::optional<repair_count>&, const std::optional<pb::healing_report>&);
boost::json::object nodes_json(const cluster_survey&, const std::optional<pb::healing_report>&);
boost::json::object raft_json(const cluster_survey&);
// A line of the map.
boost::json::object node_json(const cluster_node&);

} // namespace troupe::admin
