// What requests and surveys become in Prometheus' text form.
#include "api/metrics/cluster_metrics.hpp"
#include "api/metrics/process_metrics.hpp"
#include "api/metrics/request_metrics.hpp"
#include "support/test_tracer.hpp"

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
  auto text = text_of(metrics::machine_metrics());
  for (const auto* name :
    {"process_cpu_seconds_total ", "process_resident_memory_bytes ", "process_open_fds ", "process_threads "})
    CHECK(text.find("\n" + std::string{name}) != std::string::npos);
}

TEST_CASE("a node's scrub and log are lines of their own, the scrub's progress only while there is one") {
  cluster_survey all;
  pb::shard_status stored;
  stored.set_log_segments(4);
  stored.set_damaged_pieces(1);
  stored.set_scrub_rounds(2);
  stored.set_scrub_damaged(3);
  all.nodes.push_back({.id = node_id{"node-1"}, .asked = true, .storage = stored});
  stored.set_scrub_bytes_done(50);
  stored.set_scrub_bytes_total(100);
  all.nodes.push_back({.id = node_id{"node-2"}, .asked = true, .storage = stored});
  pb::metadata_status member;
  member.set_log_segments(5);
  member.set_log_bytes(6);
  all.members.push_back({.node = node_id{"node-1"}, .status = member});
  auto text = text_of(metrics::cluster_metrics(all));
  CHECK(has(text, R"(troupe_node_log_segments{node="node-1"} 4)"));
  CHECK(has(text, R"(troupe_node_damaged_pieces{node="node-1"} 1)"));
  CHECK(has(text, R"(troupe_node_scrub_rounds{node="node-1"} 2)"));
  CHECK(has(text, R"(troupe_node_scrub_damaged{node="node-1"} 3)"));
  CHECK(text.find(R"(troupe_node_scrub_done_bytes{node="node-1"})") == std::string::npos);
  CHECK(has(text, R"(troupe_node_scrub_done_bytes{node="node-2"} 50)"));
  CHECK(has(text, R"(troupe_node_scrub_size_bytes{node="node-2"} 100)"));
  CHECK(has(text, R"(troupe_raft_log_segments{node="node-1"} 5)"));
  CHECK(has(text, R"(troupe_raft_log_bytes{node="node-1"} 6)"));
}

TEST_CASE("what those who heal say is counted, job by job") {
  pb::healing_report r;
  auto* job = r.add_jobs();
  job->set_name("repair");
  job->set_running(true);
  job->set_extents_done(3);
  job->set_extents_total(4);
  job->set_bytes_per_second(1000);
  r.set_under_protected_extents(5);
  r.set_under_protected_objects(6);
  r.set_counted(true);
  r.set_stuck(1);
  r.add_comparing("node-2");
  r.set_suspects(7);
  r.set_orphans_removed(8);
  r.set_repaired(9);
  r.set_repaired_bytes(10);
  r.set_moved(11);
  r.set_moved_bytes(12);
  r.set_reclaimed(13);
  r.set_at_ms(1'700'000'000'500);
  auto text = text_of(metrics::healing_metrics(r)) + text_of(metrics::repair_metrics(14));
  for (const auto* line : {R"(troupe_healing_running{task="repair"} 1)",
         R"(troupe_healing_extents_done{task="repair"} 3)", R"(troupe_healing_extents_size{task="repair"} 4)",
         R"(troupe_healing_bytes_per_second{task="repair"} 1000)", "troupe_under_protected_extents 5",
         "troupe_under_protected_objects 6", "troupe_under_protected_counted 1", "troupe_stuck_extents 1",
         "troupe_nodes_not_compared 1", "troupe_orphan_suspects 7", "troupe_orphans_removed_total 8",
         "troupe_repaired_extents_total 9", "troupe_repaired_bytes_total 10", "troupe_moved_extents_total 11",
         "troupe_moved_bytes_total 12", "troupe_reclaimed_rows_total 13", "troupe_repair_queue_extents 14"}) {
    CAPTURE(line);
    CHECK(has(text, line));
  }
}

TEST_CASE("actors are counted by kind, connections by peer") {
  pb::process_status s;
  auto* kind = s.add_actors();
  kind->set_name("upload");
  kind->set_instances(3);
  kind->set_queued(5);
  kind->set_longest_queue(4);
  auto* queue = s.add_queues();
  queue->set_node("node-2");
  queue->set_plane("bulk");
  queue->set_connected(true);
  queue->set_queued_bytes(100);
  queue->set_unanswered(2);
  auto text = text_of(metrics::actor_metrics(s));
  CHECK(has(text, R"(troupe_actors{kind="upload"} 3)"));
  CHECK(has(text, R"(troupe_actor_mailbox_messages{kind="upload"} 5)"));
  CHECK(has(text, R"(troupe_actor_mailbox_longest{kind="upload"} 4)"));
  CHECK(has(text, R"(troupe_peer_connected{peer="node-2",plane="bulk"} 1)"));
  CHECK(has(text, R"(troupe_peer_queued_bytes{peer="node-2",plane="bulk"} 100)"));
  CHECK(has(text, R"(troupe_peer_unanswered_requests{peer="node-2",plane="bulk"} 2)"));
}

TEST_CASE("syncs become a histogram of their log in seconds") {
  auto took = std::make_shared<latency_histogram>();
  took->observe(std::chrono::milliseconds{4});
  took->observe(std::chrono::minutes{1}); // over all bounds
  took->observe(std::chrono::nanoseconds{-5});
  metrics::process_sources from;
  from.syncs.emplace_back("pieces", took);
  auto text = text_of(metrics::sync_metrics(from));
  CHECK(has(text, R"(troupe_log_sync_seconds_bucket{log="pieces",le="5e-05"} 1)"));
  CHECK(has(text, R"(troupe_log_sync_seconds_bucket{log="pieces",le="0.004608"} 2)"));
  CHECK(has(text, R"(troupe_log_sync_seconds_bucket{log="pieces",le="+Inf"} 3)"));
  CHECK(has(text, R"(troupe_log_sync_seconds_count{log="pieces"} 3)"));
}

TEST_CASE("a volume of shards says who is its primary, what it holds, and how often that changed") {
  volume_facts v;
  v.row.set_id("volume-1");
  v.row.set_token(7);
  v.primary = true;
  v.open_shards = 2;
  v.states = shard_states{.active = 3, .read_only = 4, .deleted = 5};
  v.counts = {.replays = 6, .replayed_bytes = 600, .taken = 2, .ended = 1};
  volume_facts backup;
  backup.row.set_id("volume-2");
  auto text = text_of(metrics::volume_metrics({v, backup}));
  CHECK(has(text, R"(troupe_volume_primary{volume="volume-1"} 1)"));
  CHECK(has(text, R"(troupe_volume_primary{volume="volume-2"} 0)"));
  CHECK(has(text, R"(troupe_volume_token{volume="volume-1"} 7)"));
  CHECK(has(text, R"(troupe_volume_shards{volume="volume-1",state="active"} 3)"));
  CHECK(has(text, R"(troupe_volume_shards{volume="volume-1",state="read_only"} 4)"));
  CHECK(has(text, R"(troupe_volume_shards{volume="volume-1",state="deleted"} 5)"));
  CHECK(text.find(R"(troupe_volume_shards{volume="volume-2")") == std::string::npos); // its primary counts
  CHECK(has(text, R"(troupe_volume_open_shards{volume="volume-1"} 2)"));
  CHECK(has(text, R"(troupe_volume_replays_total{volume="volume-1"} 6)"));
  CHECK(has(text, R"(troupe_volume_leases_taken_total{volume="volume-1"} 2)"));
  CHECK(has(text, R"(troupe_volume_leases_ended_total{volume="volume-1"} 1)"));
}

TEST_CASE("spans that were sent, lost and dropped are counted, when there is tracing") {
  auto t = test::make_test_tracer();
  t->delivered(3, true);
  t->delivered(2, false);
  metrics::process_sources from;
  CHECK(text_of(metrics::process_metrics(from)).find("troupe_trace_spans_total") == std::string::npos);
  from.tracing = t;
  auto text = text_of(metrics::process_metrics(from));
  CHECK(has(text, R"(troupe_trace_spans_total{outcome="sent"} 3)"));
  CHECK(has(text, R"(troupe_trace_spans_total{outcome="lost"} 2)"));
  CHECK(has(text, R"(troupe_trace_spans_total{outcome="dropped"} 0)"));
}
