// The SURVEYOR asks processes: its own without a message, others by their PEER SERVICE, over a simulated network.

#include "actors/peer_service.hpp"
#include "actors/process_controls.hpp"
#include "actors/surveyor.hpp"
#include "support/actor_fixture.hpp"
#include "support/cluster_maps.hpp"
#include "support/print_result.hpp"
#include "support/sim_network.hpp"

#include <catch2/catch.hpp>

using namespace troupe;
using namespace std::chrono_literals;

namespace {

std::shared_ptr<process_controls> controls_with_faults(int* crashes) {
  auto c = std::make_shared<process_controls>();
  c->queues = [](pb::process_status& s) { s.add_queues()->set_plane("bulk"); };
  c->faults = std::make_shared<const fault_switches>(fault_switches{.network = std::make_shared<net::fault_rules>(),
    .disk = std::make_shared<disk_faults>(),
    .crash = [crashes] { ++*crashes; }});
  return c;
}

// node-1 asks, node-2 answers, nobody is where node-3 should be.
struct fixture {
  fixture() {
    peer_service_options o;
    o.controls = there;
    net.join("node-2", "10.0.0.2:9101");
    net.serve("10.0.0.2:9101", handler_of(fx.own(spawn_peer_service(fx.system, std::move(o)))));
    surveyor_options s;
    s.cluster = test_cluster;
    s.view.local = nth_node(1);
    s.view.map = std::make_shared<const cluster_map>(map_of_up(3));
    s.net = net.join("node-1", "10.0.0.1:9101");
    s.controls = here;
    surveyor = fx.own(spawn_surveyor(fx.system, std::move(s)));
  }
  answer<everyones_answers> order(pb::fault_order o, const std::string& node) {
    auto a = fx.ask<everyones_answers>(
      surveyor, everyone_atom::value, fault_atom::value, wire<pb::fault_order>{std::move(o)}, node);
    fx.wait(a);
    return a;
  }

  actor_fixture fx;
  sim_network net{fx};
  int crashes_here = 0, crashes_there = 0;
  std::shared_ptr<process_controls> here = controls_with_faults(&crashes_here);
  std::shared_ptr<process_controls> there = controls_with_faults(&crashes_there);
  surveyor_actor surveyor;
};

pb::fault_order fault(pb::fault_order::kinds kind) {
  pb::fault_order o;
  o.set_kind(kind);
  if (kind == pb::fault_order::disk) o.set_disk_kind(pb::fault_order::eio);
  return o;
}

} // namespace

TEST_CASE("every process says what runs in it, and one that is not there says why") {
  fixture f;
  auto a = f.fx.ask<everyones_answers>(f.surveyor, everyone_atom::value, status_atom::value);
  f.fx.wait(a);
  auto& said = a.value().answers->processes;
  REQUIRE(said.size() == 3);
  CHECK(said.at(nth_node(1)).value().queues_size() == 1);
  CHECK(said.at(nth_node(2)).value().queues_size() == 1);
  CHECK(said.at(nth_node(3)).error().code == ec::unavailable);
}

TEST_CASE("a disk fault is set where it is asked for, listed by all, and cleared everywhere") {
  fixture f;
  auto set = f.order(fault(pb::fault_order::disk), "node-2");
  REQUIRE(set.value().answers->faults.size() == 1);
  CHECK(f.there->faults->disk->list().size() == 1);
  CHECK(f.here->faults->disk->list().empty());
  auto listed = f.order(fault(pb::fault_order::look), {}).value().answers->faults;
  CHECK(listed.at(nth_node(1)).value().faults_size() == 0);
  CHECK(listed.at(nth_node(2)).value().faults(0) == "disk eio on reads, writes, syncs of every volume");
  CHECK(listed.at(nth_node(3)).has_error());
  f.here->faults->network->set_outgoing("node-2", {.drop = true});
  f.order(fault(pb::fault_order::clear), {});
  CHECK(f.there->faults->disk->list().empty());
  CHECK(f.here->faults->network->list().empty());
}

TEST_CASE("a crash is of one node, which must be named and there") {
  fixture f;
  CHECK(f.order(fault(pb::fault_order::crash), {}).code() == ec::bad_argument);
  CHECK(f.order(fault(pb::fault_order::crash), "nobody").code() == ec::not_found);
  CHECK(f.crashes_here + f.crashes_there == 0);
  f.order(fault(pb::fault_order::crash), "node-2");
  CHECK(f.crashes_there == 1);
  f.order(fault(pb::fault_order::crash), "node-1");
  CHECK(f.crashes_here == 1);
}

TEST_CASE("a process that has no faults enabled refuses them, for itself and for others that ask") {
  fixture f;
  f.there->faults = nullptr;
  auto refused = f.order(fault(pb::fault_order::disk), "node-2").value().answers->faults;
  CHECK(refused.at(nth_node(2)).error().code == ec::access_denied);
  f.here->faults = nullptr;
  CHECK(f.order(fault(pb::fault_order::look), {}).code() == ec::access_denied);
}

TEST_CASE("what a process does not understand of an order it refuses") {
  fixture f;
  CHECK(f.here->carry_out(fault(static_cast<pb::fault_order::kinds>(77))).error().code == ec::not_implemented);
  auto nothing = fault(pb::fault_order::disk);
  nothing.set_disk_kind(pb::fault_order::none);
  CHECK(f.here->carry_out(nothing).error().code == ec::bad_argument);
  auto slow = fault(pb::fault_order::disk);
  slow.set_disk_kind(pb::fault_order::slow);
  slow.set_ms(4'000'000'000);
  CHECK(f.here->carry_out(slow).error().code == ec::bad_argument);
}

TEST_CASE("who watches is told of a leader, of damage and of disks that take no writes") {
  cluster_survey before, now;
  before.members.push_back({.node = nth_node(1)});
  pb::metadata_status leads;
  leads.set_state("leader");
  leads.set_leader("node-1");
  leads.set_term(3);
  now.members.push_back({.node = nth_node(1), .status = leads});
  pb::shard_status fine, broken;
  fine.set_writable(true);
  broken.set_reason("an I/O error");
  broken.set_damaged_records(2);
  before.nodes.push_back({.id = nth_node(2), .listed = {}, .gossip = {}, .asked = true, .storage = fine});
  now.nodes.push_back({.id = nth_node(2), .listed = {}, .gossip = {}, .asked = true, .storage = broken});
  auto changes = changes_between(before, now);
  REQUIRE(changes.size() == 3);
  CHECK(changes[0].kind == "leader");
  CHECK(changes[0].text == "the metadata group is led by node-1, term 3");
  CHECK(changes[1].text == "node-2 found 2 more damaged records, 2 in all");
  CHECK(changes[2].text == "node-2 takes no writes: an I/O error");
  CHECK(changes_between(now, now).empty());
  REQUIRE(troubles_in(now).size() == 1);
  CHECK(troubles_in(now)[0].text == "node-2 takes no writes: an I/O error");
  CHECK(troubles_in(before).at(0).text == "the metadata group has no leader");
  CHECK(changes_between(now, before).at(0).text == "the metadata group has no leader");
}
