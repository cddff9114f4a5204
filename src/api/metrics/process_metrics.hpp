// process_metrics: what a process knows of itself alone, as Prometheus families: its use of the machine, its actors and
// their mailboxes, its connections to other processes, its syncs, its volumes of shards, its spans, its certificates. No other process
// exports these lines, so sums over processes are right. Gathered anew for each scrape, without waiting for anybody.
#pragma once

#include "actors/process_controls.hpp"
#include "api/metrics/family.hpp"
#include "base/environment.hpp"
#include "core/latency_histogram.hpp"
#include "core/tracer.hpp"
#include "volumes/shard_manager.hpp"

#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace troupe::metrics {

struct process_sources {
  std::shared_ptr<const process_controls> controls; // may be nothing, as what follows
  // How long syncs took: of which log, and the counts.
  std::vector<std::pair<const char*, std::shared_ptr<const latency_histogram>>> syncs;
  std::function<std::vector<volume_facts>()> volumes; // must not wait
  std::shared_ptr<const tracer> tracing;
  // When certificates expire, by what they are for; 0: not known.
  std::vector<std::pair<const char*, std::function<unix_ms()>>> certificate_ends;
};

families process_metrics(const process_sources&);

// The parts of it.
families
machine_metrics(); // memory, processor time, descriptors and threads, under the names that Prometheus' own clients use
families actor_metrics(const pb::process_status&);
families sync_metrics(const process_sources&);
families volume_metrics(const std::vector<volume_facts>&);
families trace_metrics(const tracer::counts&);
families certificate_metrics(const process_sources&);

} // namespace troupe::metrics
