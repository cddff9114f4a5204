// healing_json: what those who heal the cluster say of their work (docs/ADMIN.md has every field), and the scrub of the nodes.
#pragma once

#include "actors/survey.hpp"

#include <boost/json/object.hpp>

namespace troupe::admin {

boost::json::object healing_json(const pb::healing_report&);
// Of all nodes that answered.
boost::json::object scrub_json(const cluster_survey&);
// Of one.
boost::json::object scrub_json(const pb::shard_status&);

} // namespace troupe::admin
