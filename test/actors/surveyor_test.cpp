#include "actors/surveyor.hpp"
#include "support/cluster_maps.hpp"
#include "support/extents.hpp"
#include "support/mock_cluster.hpp"
#include "support/model_metadata.hpp"
#include "support/print_result.hpp"

#include <catch2/catch.hpp>

using namespace troupe;
using namespace troupe::test;

namespace {

// Nodes node-0 .. node-4 as storage, of them node-4 can not be reached; one metadata member.
struct fixture {
  fixture() {
    surveyor_options o;
    o.cluster = test_cluster;
    for (auto& [name, shard] : cluster.shards)
      o.view.nodes.emplace_back(node_id{name}, name == "node-4" ? shard_actor{} : shard_actor{shard});
    o.members.emplace_back(node_id{"metadata-1"}, member);
    surveyor = cluster.fx.own(spawn_surveyor(cluster.fx.system, o));
    view = o.view;
  }
  std::shared_ptr<const cluster_survey> survey() {
    auto a = cluster.fx.ask<survey_result>(surveyor, status_atom::value);
    cluster.fx.wait(a);
    return a.value().survey;
  }
  std::vector<extent_survey> surveys(std::vector<pb::extent> extents) {
    auto a = cluster.fx.ask<extent_surveys>(surveyor, compare_atom::value, extents_to_survey{std::move(extents)});
    cluster.fx.wait(a);
    return *a.value().surveys;
  }

  mock_cluster cluster{5};
  std::shared_ptr<state> rows = std::make_shared<state>(make_memory_base());
  metadata_actor member = cluster.fx.own(cluster.fx.system.spawn(model_metadata, rows, nullptr));
  cluster_view view;
  surveyor_actor surveyor;
};

const stripe_geometry rs{.k = 3, .m = 2, .piece_bytes = 1000};

} // namespace

TEST_CASE("without a map every node of the view is asked, and one that can not be reached says why") {
  fixture f;
  auto s = f.survey();
  REQUIRE(s->cluster == test_cluster);
  REQUIRE_FALSE(s->epoch);
  REQUIRE(s->nodes.size() == 5);
  for (auto& n : s->nodes) {
    REQUIRE(n.asked);
    REQUIRE_FALSE(n.listed);
    REQUIRE(n.storage.has_value() == (n.id.name != "node-4"));
  }
  REQUIRE(s->members.size() == 1);
  REQUIRE(s->members[0].status->state() == "leader");
}

TEST_CASE("with a map its nodes are shown, and only those that store are asked") {
  fixture f;
  auto v = std::make_shared<cluster_view>(f.view);
  std::vector<cluster_node> nodes;
  for (std::size_t i = 0; i < 5; ++i) nodes.push_back(nth_cluster_node(i));
  nodes.push_back(nth_cluster_node(5, node_state::gone));
  for (auto& n : nodes) n.roles.metadata = false;
  v->map = std::make_shared<const cluster_map>(map_of_nodes(nodes));
  v->local = nth_node(1);
  caf::anon_send(f.surveyor, view_atom::value, new_view{v});
  auto s = f.survey();
  REQUIRE(s->epoch == 1);
  REQUIRE(s->asked_by == nth_node(1));
  REQUIRE(s->nodes.size() == 6);
  REQUIRE(s->nodes[5].listed->state == node_state::gone);
  REQUIRE_FALSE(s->nodes[5].asked);
  REQUIRE(s->members.size() == 1);
}

TEST_CASE("an extent's nodes say what they lack, and silence is told apart from it") {
  fixture f;
  std::string content(2500, 'x');
  auto stored = f.cluster.upload(content, rs).value().extent;
  auto key = piece_key{data_id::from_bytes(stored.data_id()), 0, 1};
  auto holder = stored.placements(0).nodes(1);
  if (holder == "node-4") { // any other piece will do
    key.piece = 2;
    holder = stored.placements(0).nodes(2);
  }
  REQUIRE(f.cluster.node(holder).pieces.erase(key) == 1);
  auto found = f.surveys({stored});
  REQUIRE(found.size() == 1);
  REQUIRE(found[0].lacking.size() == 5);
  for (auto& [node, lacks] : found[0].lacking) {
    if (node.name == "node-4") {
      REQUIRE(lacks.error().code == ec::unavailable);
    } else if (node.name == holder) {
      REQUIRE(lacks.value() == std::vector<extent_survey::piece>{{0, key.piece}});
    } else {
      REQUIRE(lacks.value().empty());
    }
  }
}

TEST_CASE("a node that fails to compare is an answer, too, and an extent that makes no sense an error") {
  fixture f;
  auto stored = f.cluster.upload(std::string(2500, 'x'), rs).value().extent;
  f.cluster.node("node-2").on_read = ec::io_error;
  auto found = f.surveys({stored, stored});
  REQUIRE(found.size() == 2);
  REQUIRE(found[1].lacking.at(node_id{"node-2"}).error().code == ec::io_error);
  auto a =
    f.cluster.fx.ask<extent_surveys>(f.surveyor, compare_atom::value, extents_to_survey{std::vector<pb::extent>(1)});
  f.cluster.fx.wait(a);
  REQUIRE(a.code() == ec::corrupt);
}
