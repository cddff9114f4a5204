// cluster_metrics: what a survey of the cluster and the process itself say, as Prometheus families. Gathered anew for each
// scrape; pure, but for process_metrics(), which reads /proc/self.
#pragma once

#include "actors/survey.hpp"

#include <prometheus/metric_family.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace troupe::metrics {

// Label `node` names who it is about. A node that did not answer has troupe_node_answers 0 and no other line.
std::vector<prometheus::MetricFamily> cluster_metrics(const cluster_survey&);
// Memory, processor time, descriptors and threads, under the names that Prometheus' own clients use.
std::vector<prometheus::MetricFamily> process_metrics();

} // namespace troupe::metrics
