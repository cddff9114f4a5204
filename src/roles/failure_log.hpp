// failure_log: failures of ours, in the log with the request's id. Every request's line is the access log's business.
#pragma once

#include "api/http/config.hpp"

#include <spdlog/spdlog.h>

#include <string_view>

namespace troupe {

class failure_log final : public http::observer {
public:
  void finished(const http::access_record& r) override {
    if (r.status >= 500 && r.status != 501 && r.operation != "Probe")
      spdlog::warn("request {}: {} {} ({}) answered {}", r.id, r.method, r.target.substr(0, r.target.find('?')),
        r.operation, r.status);
  }
  void failed(std::string_view id, std::string_view what) override { spdlog::error("request {}: {}", id, what); }
};

} // namespace troupe
