#include "api/metrics/request_metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <map>
#include <mutex>

namespace troupe::metrics {

namespace {

using seconds = std::chrono::duration<double>;

// Upper bounds in seconds: from a small GET to an upload of gigabytes.
prometheus::Histogram::BucketBoundaries latency_bounds() {
  return {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300};
}

constexpr const char* class_of(int status) {
  if (status == 499) return "gone"; // the client left
  if (status >= 500) return "5xx";
  if (status >= 400) return "4xx";
  if (status >= 300) return "3xx";
  return "2xx";
}

} // namespace

struct request_metrics::families {
  explicit families(prometheus::Registry& r)
      : requests(prometheus::BuildCounter()
                   .Name("troupe_requests_total")
                   .Help("Requests that were answered, by front door, operation and class of status.")
                   .Register(r)),
        seconds(prometheus::BuildHistogram()
                  .Name("troupe_request_seconds")
                  .Help("Time from a request's head to the last byte of its answer.")
                  .Register(r)),
        received(prometheus::BuildCounter()
                   .Name("troupe_received_bytes_total")
                   .Help("Bytes of request bodies, by front door.")
                   .Register(r)),
        sent(prometheus::BuildCounter()
               .Name("troupe_sent_bytes_total")
               .Help("Bytes of response bodies, by front door.")
               .Register(r)),
        connections(prometheus::BuildGauge()
                      .Name("troupe_connections")
                      .Help("Open connections of clients, by front door.")
                      .Register(r)),
        failures(prometheus::BuildCounter()
                   .Name("troupe_handler_failures_total")
                   .Help("Handlers that ended by an exception that nobody expected: bugs.")
                   .Register(r)) {}
  prometheus::Family<prometheus::Counter>& requests;
  prometheus::Family<prometheus::Histogram>& seconds;
  prometheus::Family<prometheus::Counter>&received, &sent;
  prometheus::Family<prometheus::Gauge>& connections;
  prometheus::Family<prometheus::Counter>& failures;
};

class request_metrics::door final : public http::observer {
public:
  door(families& all, std::string surface, http::observer* next)
      : all_(all),
        surface_(std::move(surface)),
        next_(next),
        received_(all.received.Add({{"surface", surface_}})),
        sent_(all.sent.Add({{"surface", surface_}})),
        connections_(all.connections.Add({{"surface", surface_}})),
        failures_(all.failures.Add({{"surface", surface_}})) {}

  void finished(const http::access_record& r) override {
    const auto code = class_of(r.status);
    const auto [count, time] = of(r.operation, code);
    count->Increment();
    time->Observe(seconds{r.took}.count());
    if (r.bytes_in != 0) received_.Increment(static_cast<double>(r.bytes_in));
    if (r.bytes_out != 0) sent_.Increment(static_cast<double>(r.bytes_out));
    if (next_ != nullptr) next_->finished(r);
  }
  void failed(std::string_view id, std::string_view what) override {
    failures_.Increment();
    if (next_ != nullptr) next_->failed(id, what);
  }
  void opened() override {
    connections_.Increment();
    if (next_ != nullptr) next_->opened();
  }
  void closed() override {
    connections_.Decrement();
    if (next_ != nullptr) next_->closed();
  }

private:
  using pair = std::pair<prometheus::Counter*, prometheus::Histogram*>;

  pair of(std::string_view operation, const char* code) {
    std::lock_guard lock{mutex_};
    auto [at, is_new] = known_.try_emplace(std::pair{operation, std::string_view{code}});
    if (is_new) {
      const std::string name{operation};
      at->second = {&all_.requests.Add({{"surface", surface_}, {"operation", name}, {"code", code}}),
        &all_.seconds.Add({{"surface", surface_}, {"operation", name}}, latency_bounds())};
    }
    return at->second;
  }

  families& all_;
  const std::string surface_;
  http::observer* const next_;
  prometheus::Counter &received_, &sent_;
  prometheus::Gauge& connections_;
  prometheus::Counter& failures_;
  std::mutex mutex_;
  // By string literals of ours (http::request::operation), so views are good for ever.
  std::map<std::pair<std::string_view, std::string_view>, pair> known_;
};

request_metrics::request_metrics()
    : registry_(std::make_shared<prometheus::Registry>()), families_(std::make_unique<families>(*registry_)) {}

request_metrics::~request_metrics() = default;

http::observer& request_metrics::observer_of(const std::string& surface, http::observer* next) {
  doors_.push_back(std::make_unique<door>(*families_, surface, next));
  return *doors_.back();
}

} // namespace troupe::metrics
