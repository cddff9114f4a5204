// metrics: GET /metrics on the console port, in Prometheus' text form (version 0.0.4): the requests of this process, what it
// knows of itself, what every node and metadata member says of itself, and how healing goes (a survey and two reads a scrape,
// at most 9 s; without an answer their families are left out and troupe_survey_failed or troupe_healing_unknown is 1).
// Open to whoever reaches the port, unless a token is configured.
#pragma once

#include "actors/interfaces.hpp"
#include "api/http/request.hpp"
#include "api/metrics/process_metrics.hpp"
#include "api/metrics/request_metrics.hpp"

#include <functional>
#include <memory>
#include <string>

namespace troupe {
struct process_latencies;
namespace http {
class actor_bridge;
}
} // namespace troupe

namespace troupe::metrics {

struct config {
  std::function<http::actor_bridge&(http::request&)> actors_of;
  surveyor_actor surveyor;
  metadata_actor metadata;
  request_metrics& requests; // outlives the handler
  process_sources own;
  std::string token;                                  // `Authorization: Bearer` must have it; empty: anybody may ask
  std::shared_ptr<const process_latencies> latencies; // may be empty
};

http::handler make_handler(config);

} // namespace troupe::metrics
