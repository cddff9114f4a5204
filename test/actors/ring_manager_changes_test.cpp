// Requests of an operator to the RING MANAGER, over a model of METADATA that others may write to just before it does.
#include "actors/ring_manager.hpp"
#include "core/map_change.hpp"
#include "core/metadata_machine.hpp"
#include "core/tables.hpp"
#include "support/actor_fixture.hpp"
#include "support/cluster_maps.hpp"
#include "support/model_metadata.hpp"
#include "support/print_result.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <catch2/catch.hpp>

#include <set>

using namespace troupe;
using namespace std::chrono_literals;

namespace {

class stopped_clock final : public wall_clock {
public:
  unix_ms now() const override { return 1'700'000'000'000; }
};

gossiper_actor::behavior_type silent_gossip() {
  return {
    [](gossip_atom, const wire<pb::gossip_message>&) {},
    [](status_atom) { return members_view{std::make_shared<const std::vector<gossip_member>>()}; },
    [](leave_atom) {},
    [](tick_atom) {},
  };
}

struct fixture {
  explicit fixture(std::size_t nodes, const cluster_node& local = nth_cluster_node(1), unsigned lost_races = 0)
      : races(lost_races) {
    if (nodes != 0) write(map_of_up(nodes));
    o.cluster = test_cluster;
    o.self = local;
    o.gossiper = fx.own(fx.system.spawn(silent_gossip));
    o.addresses = std::make_shared<address_book>();
    o.clock = &clock;
    model = fx.own(fx.system.spawn(model_metadata, rows, nullptr));
    auto racing = [this](metadata_actor::pointer self) -> metadata_actor::behavior_type {
      return {
        [=, this](read_atom, const wire<pb::read_request>& r) { return self->delegate(model, read_atom::value, r); },
        [=, this](list_atom, const wire<pb::list_request>& r) { return self->delegate(model, list_atom::value, r); },
        [=, this](commit_atom, const wire<pb::batch>& b) {
          ++commits;
          if (races != 0) { // somebody is faster
            --races;
            auto heavier = *map().find(nth_node(3));
            heavier.weight = heavier.weight % 50 + 1;
            write(map().next({heavier}).value());
          }
          return self->delegate(model, commit_atom::value, b);
        },
        [this](status_atom) {
          pb::metadata_status status;
          status.set_state(leads ? "leader" : "follower");
          for (auto id : members) status.add_members()->set_id(id);
          return wire{std::move(status)};
        },
        [](raft_atom, const wire<pb::raft_message>&) {},
        [=, this](
          copy_atom, const wire<pb::state_copy_request>& r) { return self->delegate(model, copy_atom::value, r); },
        [=, this](
          members_atom, const wire<pb::member_change>& c) { return self->delegate(model, members_atom::value, c); },
      };
    };
    o.metadata = fx.own(fx.system.spawn(racing));
    manager = fx.own(spawn_ring_manager(fx.system, o));
    fx.run();
  }

  std::string row() { return tables::system_row("cluster_map"); }
  void write(const cluster_map& m) {
    pb::log_entry entry;
    auto& put = *entry.add_batches()->add_operations();
    put.set_kind(pb::operation::put);
    put.set_key(row());
    put.set_value(m.message().SerializeAsString());
    REQUIRE(metadata_machine{*rows}.apply(entry, ++index).value().front());
  }
  cluster_map map() {
    pb::read_request request;
    request.add_keys(row());
    pb::cluster_map message;
    REQUIRE(message.ParseFromString(metadata_machine{*rows}.read(request).value().rows(0).value()));
    return cluster_map::make(message).value();
  }
  answer<wire<pb::cluster_map>> ask(pb::map_change::kinds kind, const std::string& node) {
    pb::map_change c;
    c.set_kind(kind);
    c.set_node(node);
    auto a = fx.ask<wire<pb::cluster_map>>(manager, change_atom::value, wire<pb::map_change>{c});
    fx.run();
    return a;
  }

  stopped_clock clock;
  std::shared_ptr<state> rows = std::make_shared<state>(make_memory_base());
  std::uint64_t index = 1000; // apart from the model's
  unsigned races, commits = 0;
  bool leads = true;
  std::set<std::uint64_t> members; // of the metadata group, as its leader says
  actor_fixture fx;
  metadata_actor model;
  ring_manager_options o;
  ring_manager_actor manager;
};

} // namespace

TEST_CASE("a change is committed, answered with the new map, and shown at once") {
  fixture f{3};
  auto a = f.ask(pb::map_change::drain, "node-2");
  auto map = cluster_map::make(*a.value()).value();
  REQUIRE(map.find(nth_node(2))->state == node_state::draining);
  REQUIRE(map == f.map());
  auto shown = f.fx.ask<wire<pb::cluster_map>>(f.manager, status_atom::value);
  f.fx.run();
  REQUIRE(shown.value()->epoch() == map.epoch());
}

TEST_CASE("a change that is so already commits nothing") {
  fixture f{3};
  f.ask(pb::map_change::drain, "node-2").value();
  auto before = f.commits;
  auto a = f.ask(pb::map_change::drain, "node-2");
  REQUIRE(a.value()->epoch() == f.map().epoch());
  REQUIRE(f.commits == before);
}

TEST_CASE("a change that lost a race is made anew on the map that won") {
  fixture f{3};
  f.races = 3;
  auto epoch = f.map().epoch();
  auto a = f.ask(pb::map_change::drain, "node-2");
  REQUIRE(a.value()->epoch() == epoch + 4);
  REQUIRE(f.map().find(nth_node(2))->state == node_state::draining);
  REQUIRE(f.map().find(nth_node(3))->weight == 4); // nothing of the others is undone
}

TEST_CASE("a change that loses every race gives up with a conflict") {
  fixture f{3};
  f.races = 1000;
  REQUIRE(f.ask(pb::map_change::drain, "node-2").code() == ec::conflict);
  REQUIRE(f.races > 900);
  REQUIRE(f.map().find(nth_node(2))->state == node_state::up);
}

TEST_CASE("what the map refuses is the answer, and an unknown node is not found") {
  fixture f{3};
  REQUIRE(f.ask(pb::map_change::drain, "nobody").code() == ec::not_found);
  REQUIRE(f.ask(pb::map_change::remove, "node-2").code() == ec::conflict);
  REQUIRE(f.ask(pb::map_change::unknown, "node-2").code() == ec::bad_argument);
  REQUIRE(f.map() == map_of_up(3));
}

TEST_CASE("a node with the metadata role alone is removed when the group does not know it as a member") {
  fixture f{3};
  auto spare = nth_cluster_node(4);
  spare.roles = {.storage = false, .metadata = true, .coordinator = false};
  spare.raft_id = raft_id_of(spare.id);
  f.write(f.map().next({spare}).value());
  f.members.insert(spare.raft_id);
  REQUIRE(f.ask(pb::map_change::remove, "node-4").code() == ec::conflict);
  f.leads = false;
  f.members.clear();
  REQUIRE(f.ask(pb::map_change::remove, "node-4").code() == ec::conflict); // nobody knows
  f.leads = true;
  f.ask(pb::map_change::remove, "node-4").value();
  REQUIRE(f.map().find(nth_node(4))->state == node_state::gone);
}

TEST_CASE("before there is a map there is nothing to change") {
  fixture f{0};
  REQUIRE(f.ask(pb::map_change::drain, "node-1").code() == ec::unavailable);
}

TEST_CASE("a node whose configuration has another zone or weight has the map changed, once") {
  auto self = nth_cluster_node(2);
  self.zone = "b";
  self.weight = 3;
  fixture f{3, self};
  auto now = *f.map().find(nth_node(2));
  REQUIRE(now.zone == "b");
  REQUIRE(now.weight == 3);
  REQUIRE(now.state == node_state::up);
  auto commits = f.commits;
  REQUIRE(commits == 1);
  pb::map_change heavier; // by an operator: the node's old word does not undo it
  heavier.set_kind(pb::map_change::weight);
  heavier.set_node("node-2");
  heavier.set_weight_wanted(7);
  auto a = f.fx.ask<wire<pb::cluster_map>>(f.manager, change_atom::value, wire<pb::map_change>{heavier});
  f.fx.run();
  REQUIRE(a.value()->epoch() == f.map().epoch());
  f.fx.advance(5s);
  REQUIRE(f.map().find(nth_node(2))->weight == 7);
  REQUIRE(f.commits == commits + 1);
}

TEST_CASE("what a node says of itself is said again when others change the map meanwhile") {
  auto self = nth_cluster_node(1);
  self.weight = 4;
  fixture f{3, self, 2};
  f.fx.advance(5s);
  REQUIRE(f.map().find(nth_node(1))->weight == 4);
  REQUIRE(f.map().find(nth_node(3))->weight == 3);
  REQUIRE(f.commits == 3);
}
