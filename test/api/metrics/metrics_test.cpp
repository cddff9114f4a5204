// What requests and surveys become in Prometheus' text form.
#include "api/metrics/cluster_metrics.hpp"
#include "api/metrics/request_metrics.hpp"

#include <catch2/catch.hpp>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

using namespace troupe;

namespace {

std::string text_of(const std::vector<prometheus::MetricFamily>& families) {
  return "\n" + prometheus::TextSerializer{}.Serialize(families);
}

bool has(const std::string& text, const std::string& line) {
  return text.find("\n" + line + "\n") != std::string::npos;
}

class last_seen final : public http::observer {
public:
  void finished(const http::access_record& r) override { status = r.status; }
  void failed(std::string_view, std::string_view) override { ++failures; }
  int status = 0, failures = 0;
};

} // namespace

TEST_CASE("requests are counted by front door, operation and class of status, and passed on") {
  last_seen next;
  metrics::request_metrics all;
  auto& s3 = all.observer_of("s3", &next);
  s3.opened();
  for (int status : {200, 206, 404, 503, 499})
    s3.finished({.operation = "GetObject",
      .status = status,
      .bytes_in = 1,
      .bytes_out = 10,
      .took = std::chrono::milliseconds{3}});
  s3.failed("id", "why");
  all.observer_of("console", nullptr).finished({.operation = "Probe", .status = 200});

  auto text = text_of(all.registry().Collect());
  CHECK(has(text, R"(troupe_requests_total{code="2xx",operation="GetObject",surface="s3"} 2)"));
  CHECK(has(text, R"(troupe_requests_total{code="4xx",operation="GetObject",surface="s3"} 1)"));
  CHECK(has(text, R"(troupe_requests_total{code="5xx",operation="GetObject",surface="s3"} 1)"));
  CHECK(has(text, R"(troupe_requests_total{code="gone",operation="GetObject",surface="s3"} 1)"));
  CHECK(has(text, R"(troupe_requests_total{code="2xx",operation="Probe",surface="console"} 1)"));
  CHECK(has(text, R"(troupe_request_seconds_count{operation="GetObject",surface="s3"} 5)"));
  CHECK(has(text, R"(troupe_request_seconds_bucket{operation="GetObject",surface="s3",le="0.0025"} 0)"));
  CHECK(has(text, R"(troupe_request_seconds_bucket{operation="GetObject",surface="s3",le="0.005"} 5)"));
  CHECK(has(text, R"(troupe_sent_bytes_total{surface="s3"} 50)"));
  CHECK(has(text, R"(troupe_connections{surface="s3"} 1)"));
  CHECK(has(text, R"(troupe_handler_failures_total{surface="s3"} 1)"));
  CHECK(next.status == 499);
  CHECK(next.failures == 1);
}

TEST_CASE("a silent node is one line that says so, and a member's lag is what it has not applied") {
  cluster_survey all;
  all.epoch = 7;
  pb::shard_status stored;
  stored.set_pieces(12);
  stored.set_writable(true);
  all.nodes.push_back({.id = node_id{"node-1"}, .gossip = member_status::alive, .asked = true, .storage = stored});
  all.nodes.push_back({.id = node_id{"node-2"}, .gossip = member_status::dead, .asked = true});
  pb::metadata_status leader, follower;
  leader.set_state("leader");
  leader.set_commit_index(100);
  leader.set_applied_index(100);
  follower.set_state("follower");
  follower.set_applied_index(97);
  all.members.push_back({.node = node_id{"node-1"}, .status = leader});
  all.members.push_back({.node = node_id{"node-3"}, .status = follower});
  all.members.push_back({.node = node_id{"node-2"}});

  auto text = text_of(metrics::cluster_metrics(all));
  CHECK(has(text, R"(troupe_node_answers{node="node-1"} 1)"));
  CHECK(has(text, R"(troupe_node_answers{node="node-2"} 0)"));
  CHECK(has(text, R"(troupe_node_pieces{node="node-1"} 12)"));
  CHECK(text.find(R"(troupe_node_pieces{node="node-2"})") == std::string::npos);
  CHECK(has(text, R"(troupe_node_suspected{node="node-2"} 1)"));
  CHECK(has(text, R"(troupe_raft_leader{node="node-1"} 1)"));
  CHECK(has(text, R"(troupe_raft_lag_entries{node="node-3"} 3)"));
  CHECK(has(text, R"(troupe_raft_answers{node="node-2"} 0)"));
  CHECK(has(text, "troupe_map_epoch 7"));
}

TEST_CASE("a process says what it takes of the machine") {
  auto text = text_of(metrics::process_metrics());
  for (const auto* name :
    {"process_cpu_seconds_total ", "process_resident_memory_bytes ", "process_open_fds ", "process_threads "})
    CHECK(text.find("\n" + std::string{name}) != std::string::npos);
}
