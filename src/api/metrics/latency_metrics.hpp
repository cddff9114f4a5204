// latency_metrics: how long this process' heartbeats and metadata commits took, as Prometheus histograms.
#pragma once

#include "core/latency_histogram.hpp"

#include <prometheus/metric_family.h>

#include <vector>

namespace troupe::metrics {

std::vector<prometheus::MetricFamily> latency_metrics(const process_latencies&);

} // namespace troupe::metrics
