// What heartbeats and commits took, as a scrape shows it.
#include "api/metrics/latency_metrics.hpp"

#include <catch2/catch.hpp>
#include <prometheus/text_serializer.h>

using namespace troupe;
using namespace std::chrono_literals;

TEST_CASE("heartbeats and commits are histograms, whose buckets count what is not longer than their bound") {
  process_latencies all;
  for (auto took : {40us, 50us, 51us, 1400us}) all.heartbeat.observe(took);
  all.commit.observe(20s);
  all.heartbeats_unanswered = 3;
  auto text = "\n" + prometheus::TextSerializer{}.Serialize(metrics::latency_metrics(all));
  auto has = [&](const std::string& line) { return text.find("\n" + line + "\n") != std::string::npos; };
  CHECK(has("# TYPE troupe_gossip_round_trip_seconds histogram"));
  CHECK(has(R"(troupe_gossip_round_trip_seconds_bucket{le="5e-05"} 2)"));
  CHECK(has(R"(troupe_gossip_round_trip_seconds_bucket{le="7.2e-05"} 3)"));
  CHECK(has(R"(troupe_gossip_round_trip_seconds_bucket{le="0.001152"} 3)"));
  CHECK(has(R"(troupe_gossip_round_trip_seconds_bucket{le="0.0016"} 4)"));
  CHECK(has(R"(troupe_gossip_round_trip_seconds_bucket{le="+Inf"} 4)"));
  CHECK(has("troupe_gossip_round_trip_seconds_count 4"));
  CHECK(has("troupe_gossip_round_trip_seconds_sum 0.001541"));
  CHECK(has("troupe_gossip_unanswered_total 3"));
  CHECK(has(R"(troupe_metadata_commit_seconds_bucket{le="+Inf"} 1)"));
  CHECK(has("troupe_metadata_commit_seconds_count 1"));
}

TEST_CASE("the bounds of a latency histogram ascend, to seconds") {
  for (std::size_t i = 1; i + 1 < latency_histogram::buckets; ++i)
    CHECK(latency_histogram::bound(i) > latency_histogram::bound(i - 1));
  CHECK(latency_histogram::bound(latency_histogram::buckets - 2) > 10s);
}
