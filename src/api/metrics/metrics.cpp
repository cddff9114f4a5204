#include "api/metrics/metrics.hpp"

#include "api/admin/healing_rows.hpp"
#include "api/http/ask.hpp"
#include "api/http/response.hpp"
#include "api/metrics/cluster_metrics.hpp"
#include "api/metrics/latency_metrics.hpp"
#include "codec/digest.hpp"

#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <iterator>

namespace troupe::metrics {

namespace {

// Together below the 10 s that Prometheus waits.
constexpr std::chrono::seconds survey_timeout{5}, row_timeout{2};

void add_flag(families& all, const char* name, const char* help, bool value) {
  family f{name, help};
  f.add(value);
  f.give(all);
}

void check_token(const config& c, const http::request& rq) {
  if (c.token.empty() || equal_constant_time(rq.header("authorization"), "Bearer " + c.token)) return;
  throw http::api_error{
    ec::access_denied, "/metrics wants `Authorization: Bearer` with the token of metrics.token_file"};
}

http::task<> answer(const config& c, http::request& rq, http::response& rs) {
  if (rq.method() != "GET" && rq.method() != "HEAD")
    throw http::api_error{ec::method_not_allowed, "/metrics answers GET and HEAD"};
  rq.operation = "Metrics";
  check_token(c, rq);
  auto all = c.requests.registry().Collect();
  const auto take = [&](families more) { std::move(more.begin(), more.end(), std::back_inserter(all)); };
  take(process_metrics(c.own));
  if (c.latencies) take(latency_metrics(*c.latencies));
  auto& actors = c.actors_of(rq);
  auto found = co_await http::ask<survey_result>(actors, c.surveyor, survey_timeout, status_atom::value);
  add_flag(all, "troupe_survey_failed", "Whether the nodes could not be asked for this scrape: 1 or 0.", !found);
  if (found) take(cluster_metrics(*found->survey));
  auto repairs = co_await admin::count_repairs(actors, c.metadata, row_timeout);
  std::optional<pb::healing_report> healing;
  if (repairs) healing = co_await admin::healing_report(actors, c.metadata, row_timeout);
  if (repairs) take(repair_metrics(repairs->rows));
  if (healing) take(healing_metrics(*healing));
  add_flag(all, "troupe_healing_unknown",
    "Whether what those who heal said could not be read for this scrape, or they have said nothing yet: 1 or 0.",
    !healing);
  rs.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  rs.set("Cache-Control", "no-store");
  const auto text = prometheus::TextSerializer{}.Serialize(all);
  co_await rs.send(text);
}

} // namespace

http::handler make_handler(config c) {
  auto shared = std::make_shared<const config>(std::move(c));
  return [shared](http::request& rq, http::response& rs) -> http::task<> { co_await answer(*shared, rq, rs); };
}

} // namespace troupe::metrics
