#include "api/admin/survey_json.hpp"
#include "api/admin/where_json.hpp"
#include "support/cluster_maps.hpp"
#include "support/extents.hpp"
#include "support/print_result.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <catch2/catch.hpp>

using namespace troupe;
using namespace troupe::admin;
namespace json = boost::json;

namespace {

pb::shard_status stores(std::uint64_t pieces) {
  pb::shard_status s;
  s.set_pieces(pieces);
  s.set_live_bytes(pieces * 100);
  s.set_log_bytes(pieces * 120);
  s.set_writable(true);
  return s;
}

pb::metadata_status member(const std::string& state, std::uint64_t id, std::uint64_t term = 3) {
  pb::metadata_status s;
  s.set_state(state);
  s.set_term(term);
  s.set_leader("node-1");
  s.set_id(id);
  s.set_commit_index(17);
  for (std::uint64_t i = 1; i <= 3; ++i) {
    auto& m = *s.add_members();
    m.set_id(i);
    m.set_address("node-" + std::to_string(i));
    m.set_role(1);
  }
  return s;
}

// node-1 and node-2 answer, node-3 does not; node-4 is gone.
cluster_survey cluster() {
  cluster_survey all;
  all.cluster = test_cluster;
  all.asked_by = nth_node(1);
  all.epoch = 7;
  for (std::size_t i = 1; i <= 4; ++i) {
    node_survey n;
    n.id = nth_node(i);
    n.listed = nth_cluster_node(i, i == 4 ? node_state::gone : i == 2 ? node_state::draining : node_state::up);
    n.asked = i != 4;
    n.storage = fail(ec::timeout, "no answer in time");
    if (i < 3) n.storage = stores(i);
    if (i != 4) n.gossip = i == 3 ? member_status::dead : member_status::alive;
    all.nodes.push_back(std::move(n));
  }
  all.members.push_back({.node = nth_node(1), .status = member("leader", 1)});
  all.members.push_back({.node = nth_node(2), .status = member("follower", 2)});
  all.members.push_back({.node = nth_node(3), .status = fail(ec::timeout, "no answer in time")});
  return all;
}

} // namespace

TEST_CASE("the status adds up what was answered, and names who did not answer") {
  auto s = status_json(cluster(), repair_count{.rows = 5, .more = false}, {});
  CHECK(s["epoch"].to_number<int>() == 7);
  CHECK(json::serialize(s["nodes"]) == R"({"total":3,"joining":0,"up":2,"draining":1,"down":0,"gone":1})");
  CHECK(json::serialize(s["gossip"]) == R"({"alive":2,"suspect":0,"dead":1})");
  auto& storage = s["storage"].as_object();
  CHECK(storage["pieces"].to_number<int>() == 3);
  CHECK(storage["live_bytes"].to_number<int>() == 300);
  CHECK(json::serialize(storage["silent"]) == R"([{"id":"node-3","error":"no answer in time"}])");
  CHECK(json::serialize(s["repairs"]) == R"({"waiting":5,"more":false})");
}

TEST_CASE("the metadata group is healthy while every voter answers, and may lose a minority") {
  auto all = cluster();
  auto m = status_json(all, {}, {})["metadata"].as_object();
  CHECK(m["leader"] == "node-1");
  CHECK(m["voters"].to_number<int>() == 3);
  CHECK(m["answering"].to_number<int>() == 2);
  CHECK(m["losses"].to_number<int>() == 0);
  CHECK_FALSE(m["healthy"].as_bool());
  CHECK(json::serialize(m["silent"]) == R"(["node-3"])");
  all.members[2].status = member("follower", 3);
  m = status_json(all, {}, {})["metadata"].as_object();
  CHECK(m["losses"].to_number<int>() == 1);
  CHECK(m["healthy"].as_bool());
}

TEST_CASE("without a leader the metadata group says so and nothing else") {
  auto all = cluster();
  all.members[0].status = fail(ec::timeout, "no answer in time");
  CHECK(json::serialize(status_json(all, {}, {})["metadata"]) ==
    R"({"healthy":false,"reason":"no member says that it leads"})");
  CHECK_FALSE(raft_json(all).contains("group"));
}

TEST_CASE("of two members that say they lead, the one of the later term does") {
  auto all = cluster();
  all.members[1].status = member("leader", 2, 4);
  REQUIRE(leader_of(all)->id() == 2);
}

TEST_CASE("what was not measured is left out") {
  cluster_survey dev; // as in `troupe dev`
  dev.cluster = test_cluster;
  dev.nodes.push_back({.id = nth_node(1), .listed = {}, .gossip = {}, .asked = true, .storage = stores(4)});
  auto s = status_json(dev, {}, {});
  for (const auto* absent : {"epoch", "asked_by", "gossip", "repairs"}) CHECK_FALSE(s.contains(absent));
  CHECK(json::serialize(s["nodes"]) == R"({"total":1})");
  CHECK(json::serialize(nodes_json(dev, {})) ==
    R"({"nodes":[{"id":"node-1","storage":{"pieces":4,"live_bytes":400,"log_bytes":480,"damaged_records":0,"writable":true,"scrub":{"rounds":0,"damaged":0}}}]})");
  auto nodes = nodes_json(cluster(), {})["nodes"].as_array();
  CHECK(nodes[2].as_object()["storage_error"] == "no answer in time");
  CHECK_FALSE(nodes[3].as_object().contains("storage"));
  CHECK_FALSE(nodes[3].as_object().contains("storage_error"));
  CHECK(nodes[3].as_object()["state"] == "gone");
}

TEST_CASE("a node that takes no writes says why") {
  auto all = cluster();
  all.nodes[0].storage->set_writable(false);
  all.nodes[0].storage->set_reason("disk full");
  CHECK(nodes_json(all, {})["nodes"].as_array()[0].as_object()["storage"].as_object()["reason"] == "disk full");
  CHECK(json::serialize(status_json(all, {}, {})["storage"].as_object()["read_only"]) == R"(["node-1"])");
}

TEST_CASE("each member's word of itself is shown, or why there is none") {
  auto members = raft_json(cluster())["members"].as_array();
  REQUIRE(members.size() == 3);
  CHECK(members[0].as_object()["state"] == "leader");
  CHECK(members[0].as_object()["votes"].as_bool());
  CHECK(members[0].as_object()["id"] == "1");
  CHECK(members[0].as_object()["commit_index"].to_number<int>() == 17);
  CHECK(json::serialize(members[2]) == R"({"node":"node-3","error":"no answer in time"})");
}

TEST_CASE("where: every place of a run, whether its piece is there, and what may still be lost") {
  constexpr stripe_geometry rs{.k = 3, .m = 2, .piece_bytes = 100};
  auto e = extent_on(data_id{}, rs, 2950, nodes_numbered({1, 2, 3, 4, 5})); // ten stripes
  extent_survey s;
  for (std::size_t i = 1; i <= 5; ++i) s.lacking.emplace(nth_node(i), std::vector<extent_survey::piece>{});
  auto out = extent_json(e, s).value();
  CHECK(out["losses"].to_number<int>() == 2);
  CHECK(out["stripes"].to_number<int>() == 10);
  REQUIRE(out["runs"].as_array().size() == 1);
  auto pieces = out["runs"].as_array()[0].as_object()["pieces"].as_array();
  REQUIRE(pieces.size() == 5);
  CHECK(json::serialize(pieces[0]) == R"({"piece":0,"node":"node-1","state":"there","kind":"data"})");
  CHECK(json::serialize(pieces[4]) == R"({"piece":4,"node":"node-5","state":"there","kind":"parity"})");

  s.lacking[nth_node(2)] = std::vector<extent_survey::piece>{{7, 1}, {8, 1}};
  s.lacking[nth_node(5)] = fail(ec::timeout, "no answer in time");
  out = extent_json(e, s).value();
  CHECK(out["losses"].to_number<int>() == 0);
  CHECK(out["worst_stripe"].to_number<int>() == 7);
  pieces = out["runs"].as_array()[0].as_object()["pieces"].as_array();
  CHECK(
    json::serialize(pieces[1]) == R"({"piece":1,"node":"node-2","state":"missing","stripes_missing":2,"kind":"data"})");
  CHECK(json::serialize(pieces[4]) ==
    R"({"piece":4,"node":"node-5","state":"unknown","reason":"no answer in time","kind":"parity"})");
}

TEST_CASE("where: an extent that makes no sense is corrupt") {
  REQUIRE(extent_json(pb::extent{}, {}).error().code == ec::corrupt);
}

TEST_CASE("what heals says how far it is, and nodes that returned are marked until they were compared") {
  pb::healing_report r;
  r.set_node("node-1");
  auto& job = *r.add_jobs();
  job.set_name("move");
  job.set_running(true);
  job.set_extents_done(5);
  job.set_extents_total(20);
  job.set_seconds_left(30);
  job.set_bytes_done(1000);
  job.set_bytes_per_second(100);
  r.add_jobs()->set_name("sweep");
  r.add_comparing("node-2");
  r.set_under_protected_extents(3);
  r.set_under_protected_objects(2);
  r.set_counted(true);
  auto all = cluster();
  all.nodes[0].storage->set_scrub_rounds(2);
  all.nodes[1].storage->set_scrub_rounds(1);
  all.nodes[1].storage->set_scrub_bytes_done(10);
  all.nodes[1].storage->set_scrub_bytes_total(40);
  all.nodes[1].storage->set_scrub_seconds_left(7);
  auto s = status_json(all, {}, r);
  auto& h = s["healing"].as_object();
  CHECK(h["node"] == "node-1");
  CHECK(json::serialize(h["jobs"]) ==
    R"([{"name":"move","running":true,"extents_done":5,"extents_total":20,"bytes_done":1000,"bytes_per_second":100,"seconds_left":30},{"name":"sweep","running":false,"extents_done":0}])");
  CHECK(json::serialize(h["under_protected"]) == R"({"extents":3,"objects":2,"counted":true})");
  CHECK(json::serialize(h["comparing"]) == R"(["node-2"])");
  CHECK(json::serialize(s["scrub"]) == R"({"rounds":1,"damaged":0,"bytes_done":10,"bytes_total":40,"seconds_left":7})");
  auto nodes = nodes_json(all, r)["nodes"].as_array();
  CHECK(nodes[0].as_object()["compared"].as_bool());
  CHECK_FALSE(nodes[1].as_object()["compared"].as_bool());
  CHECK_FALSE(nodes[2].as_object().contains("compared")); // it did not answer
}
