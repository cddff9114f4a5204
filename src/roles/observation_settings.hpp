// observation_settings: what the configuration says about watching a process from outside (metrics.*, tracing.*).
#pragma once

#include "base/error.hpp"

#include <string>

namespace troupe {

struct observation_settings {
  std::string metrics_token_file; // empty: /metrics is open to whoever reaches the console
  std::string trace_endpoint;     // http://HOST:4318/v1/traces; empty: no spans
  double trace_sample = 0.01;     // of the requests whose client does not say, 0 to 1
  friend bool operator==(const observation_settings&, const observation_settings&) = default;
};

// "off" or an http:// or https:// address with a host; what is to be kept of it. ec::bad_argument.
result<std::string> check_trace_endpoint(const std::string&);
// A number from 0 to 1. ec::bad_argument.
result<double> check_trace_sample(const std::string&);

} // namespace troupe
