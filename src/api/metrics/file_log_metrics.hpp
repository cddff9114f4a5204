// file_log_metrics: what the last verification of the log of files found, for Prometheus. Nothing is exported before the first.
#pragma once

#include <memory>

namespace prometheus {
class Registry;
}

namespace troupe::pb {
class file_log_verification;
}

namespace troupe::metrics {

class file_log_metrics {
public:
  explicit file_log_metrics(prometheus::Registry&); // outlives this
  ~file_log_metrics();
  void set(const pb::file_log_verification&); // any thread

private:
  struct families;
  std::unique_ptr<families> families_;
};

} // namespace troupe::metrics
