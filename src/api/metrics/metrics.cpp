#include "api/metrics/metrics.hpp"

#include "api/http/ask.hpp"
#include "api/http/response.hpp"
#include "api/metrics/cluster_metrics.hpp"

#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <iterator>

namespace troupe::metrics {

namespace {

constexpr std::chrono::seconds look_timeout{5}; // below the 10 s that Prometheus waits

prometheus::MetricFamily survey_failed(bool failed) {
  prometheus::MetricFamily out;
  out.name = "troupe_survey_failed";
  out.help = "Whether the nodes could not be asked for this scrape: 1 or 0.";
  out.type = prometheus::MetricType::Gauge;
  out.metric.emplace_back().gauge.value = failed ? 1 : 0;
  return out;
}

http::task<> answer(const config& c, http::request& rq, http::response& rs) {
  if (rq.method() != "GET" && rq.method() != "HEAD")
    throw http::api_error{ec::method_not_allowed, "/metrics answers GET and HEAD"};
  rq.operation = "Metrics";
  auto families = c.requests.registry().Collect();
  const auto take = [&](std::vector<prometheus::MetricFamily> more) {
    std::move(more.begin(), more.end(), std::back_inserter(families));
  };
  take(process_metrics());
  auto found = co_await http::ask<survey_result>(c.actors_of(rq), c.surveyor, look_timeout, status_atom::value);
  families.push_back(survey_failed(!found));
  if (found) take(cluster_metrics(*found->survey));
  rs.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  rs.set("Cache-Control", "no-store");
  const auto text = prometheus::TextSerializer{}.Serialize(families);
  co_await rs.send(text);
}

} // namespace

http::handler make_handler(config c) {
  auto shared = std::make_shared<const config>(std::move(c));
  return [shared](http::request& rq, http::response& rs) -> http::task<> { co_await answer(*shared, rq, rs); };
}

} // namespace troupe::metrics
