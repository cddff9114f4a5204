// family: one Prometheus family that grows a line at a time, of gauges, counters or histograms. Internal to this folder.
#pragma once

#include "core/latency_histogram.hpp"

#include <prometheus/metric_family.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace troupe::metrics {

using families = std::vector<prometheus::MetricFamily>;

class family {
public:
  using labels = std::vector<prometheus::ClientMetric::Label>;

  family(const char* name, const char* help, prometheus::MetricType type = prometheus::MetricType::Gauge) {
    family_.name = name;
    family_.help = help;
    family_.type = type;
  }

  void add(double value, labels l = {}) {
    prometheus::ClientMetric m;
    m.label = std::move(l);
    if (family_.type == prometheus::MetricType::Counter)
      m.counter.value = value;
    else
      m.gauge.value = value;
    family_.metric.push_back(std::move(m));
  }
  void add(std::uint64_t value, labels l = {}) { add(static_cast<double>(value), std::move(l)); }
  void add(bool value, labels l = {}) { add(value ? 1.0 : 0.0, std::move(l)); }
  void add(const latency_histogram& took, labels l = {}) {
    auto& line = family_.metric.emplace_back();
    line.label = std::move(l);
    auto& h = line.histogram; // its buckets count what is below them as well
    for (std::size_t i = 0; i < latency_histogram::buckets; ++i) {
      h.sample_count += took.count(i);
      const auto bound = i + 1 == latency_histogram::buckets
        ? std::numeric_limits<double>::infinity()
        : std::chrono::duration<double>{latency_histogram::bound(i)}.count();
      h.bucket.push_back({h.sample_count, bound});
    }
    h.sample_sum = std::chrono::duration<double>{took.sum()}.count();
  }
  void add_node(double value, const std::string& node) { add(value, {{"node", node}}); }
  void add_node(std::uint64_t value, const std::string& node) { add_node(static_cast<double>(value), node); }

  // A family without a line is not given.
  void give(families& to) {
    if (!family_.metric.empty()) to.push_back(std::move(family_));
  }

private:
  prometheus::MetricFamily family_;
};

inline constexpr auto counter = prometheus::MetricType::Counter;
inline constexpr auto histogram = prometheus::MetricType::Histogram;

} // namespace troupe::metrics
