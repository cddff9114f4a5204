// metrics: GET /metrics on the console port, in Prometheus' text form (version 0.0.4): the requests of this process, its own
// use of the machine, and what every node and metadata member says of itself (a survey a scrape, at most look_timeout long;
// without an answer its families are left out and troupe_survey_failed is 1).
#pragma once

#include "actors/interfaces.hpp"
#include "api/http/request.hpp"
#include "api/metrics/request_metrics.hpp"

#include <functional>

namespace troupe::http {
class actor_bridge;
}

namespace troupe::metrics {

struct config {
  std::function<http::actor_bridge&(http::request&)> actors_of;
  surveyor_actor surveyor;
  request_metrics& requests; // outlives the handler
};

http::handler make_handler(config);

} // namespace troupe::metrics
