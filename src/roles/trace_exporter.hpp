// trace_exporter: sends the spans of this process to a collector, as OTLP/HTTP with JSON, by a thread of its own. Nobody waits
// for it: with a collector that is dead or slow, spans are lost and counted, nothing else. Batches are not sent twice.
#pragma once

#include "core/otlp_json.hpp"
#include "core/tracer.hpp"
#include "volumes/ec2_client.hpp"

#include <chrono>
#include <memory>
#include <string>

namespace troupe {

struct trace_exporter_options {
  std::string endpoint; // the whole address, with its path
  otlp_resource who;
  std::size_t batch_max = 512;                                     // spans of one request
  std::chrono::milliseconds interval{1'000};                       // how long spans wait for others to go with
  std::chrono::milliseconds timeout{3'000};                        // of one request
  std::chrono::milliseconds pause_first{1'000}, pause_max{30'000}; // after a failure: doubles
  http_post_exchange post;                                         // replaces the real one, for tests
};

class trace_exporter {
public:
  trace_exporter(std::shared_ptr<tracer>, trace_exporter_options);
  ~trace_exporter(); // sends what waits, unless the collector failed lately; at most a few requests

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace troupe
