// observation: what a process keeps to be watched from outside: the tracer and its exporter when tracing is on, how long its
// syncs took, and the token of /metrics. One for a process, made before its actors; they may use it until they end.
#pragma once

#include "api/metrics/process_metrics.hpp"
#include "roles/observation_settings.hpp"
#include "roles/trace_exporter.hpp"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace troupe {

class observation {
public:
  // `instance`: the node's name. The error's message is for a person: the token's file can not be used.
  static result<std::unique_ptr<observation>> start(const observation_settings&, const std::string& instance);

  const std::shared_ptr<tracer>& tracing() const { return tracing_; } // nothing: off
  const std::shared_ptr<latency_histogram>& piece_syncs() const { return piece_syncs_; }
  const std::shared_ptr<latency_histogram>& metadata_syncs() const { return metadata_syncs_; }
  const std::string& metrics_token() const { return token_; }
  // From now on sources() names this end of a certificate. `end` may outlive what it was taken from.
  void watch_certificate(const char* purpose, std::function<unix_ms()> end);
  metrics::process_sources sources(std::shared_ptr<const process_controls>) const;

private:
  observation() = default;
  std::string token_;
  std::shared_ptr<latency_histogram> piece_syncs_ = std::make_shared<latency_histogram>();
  std::shared_ptr<latency_histogram> metadata_syncs_ = std::make_shared<latency_histogram>();
  std::shared_ptr<tracer> tracing_;
  std::vector<std::pair<const char*, std::function<unix_ms()>>> certificate_ends_;
  std::unique_ptr<trace_exporter> exporter_;
};

} // namespace troupe
