#include "api/metrics/latency_metrics.hpp"

#include "api/metrics/family.hpp"

namespace troupe::metrics {

std::vector<prometheus::MetricFamily> latency_metrics(const process_latencies& all) {
  family probes{"troupe_gossip_round_trip_seconds",
    "Time from a gossip probe of this process to its answer, however it came.", histogram};
  probes.add(all.heartbeat);
  family unanswered{"troupe_gossip_unanswered_total", "Gossip probes of this process that nobody answered.", counter};
  unanswered.add(all.heartbeats_unanswered.load());
  family commits{"troupe_metadata_commit_seconds",
    "Time from a metadata commit's arrival at its leader to its answer; of this process' member.", histogram};
  commits.add(all.commit);
  families out;
  for (auto* f : {&probes, &unanswered, &commits}) f->give(out);
  return out;
}

} // namespace troupe::metrics
