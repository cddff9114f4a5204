// request_metrics: what the front doors' requests add up to, for Prometheus: how many, how long they took, bytes in and out,
// open connections. One object for all front doors of a process; observer_of() is one door's share of it.
//
// Labels are bounded: `surface` is a front door's name, `operation` a string literal of ours, `code` a status class.
#pragma once

#include "api/http/config.hpp"

#include <memory>
#include <string>

namespace prometheus {
class Registry;
}

namespace troupe::metrics {

class request_metrics {
public:
  request_metrics();
  ~request_metrics();

  // Counts under `surface`, then passes on to `next`, which may be null and must outlive it. Lives as long as this.
  http::observer& observer_of(const std::string& surface, http::observer* next);
  prometheus::Registry& registry() { return *registry_; }

private:
  class door;
  std::shared_ptr<prometheus::Registry> registry_;
  struct families;
  std::unique_ptr<families> families_;
  std::vector<std::unique_ptr<door>> doors_;
};

} // namespace troupe::metrics
