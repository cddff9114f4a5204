// cluster_metrics: what the cluster says of itself, as Prometheus families: a survey of its nodes and metadata members, and
// the last word of those who heal it. Every console exports these lines, each as it sees the cluster: they are not to be
// added up over processes (docs/MONITORING.md). Pure; gathered anew for each scrape.
#pragma once

#include "actors/survey.hpp"
#include "api/metrics/family.hpp"

#include <cstdint>

namespace troupe::metrics {

// Label `node` names who it is about. A node that did not answer has troupe_node_answers 0 and no other line.
families cluster_metrics(const cluster_survey&);

families healing_metrics(const pb::healing_report&);
// Rows of table repairs, as far as they were counted.
families repair_metrics(std::uint64_t rows);

} // namespace troupe::metrics
