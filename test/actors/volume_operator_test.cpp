// The VOLUME OPERATOR asks the desk of its own process without a message, others' by their PEER SERVICE, over a simulated network.
#include "actors/peer_service.hpp"
#include "actors/surveyor.hpp"
#include "actors/volume_operator.hpp"
#include "support/actor_fixture.hpp"
#include "support/cluster_maps.hpp"
#include "support/print_result.hpp"
#include "support/sim_network.hpp"

#include <catch2/catch.hpp>

using namespace troupe;
using namespace std::chrono_literals;

namespace {

// Says that it has volume v, and notes what it is ordered to do.
struct desk {
  explicit desk(bool is_primary, const std::string& volume = "v") : primary(is_primary) {
    controls->volumes->open([this, volume](const pb::volume_order& o, const volume_desk::on_report& then) {
      if (dropping) return;
      pb::volume_report out;
      if (o.kind() == pb::volume_order::look) {
        auto* line = out.add_volumes();
        line->set_id(volume);
        line->set_primary(primary);
        return then(out);
      }
      orders.push_back(o.name());
      if (o.kind() == pb::volume_order::grow) {
        out.mutable_grown()->set_size_gib(o.size_gib());
        out.mutable_grown()->set_state(std::to_string(o.iops()));
        return then(out);
      }
      if (o.name() == "bad") return then(fail(ec::conflict, "there is one"));
      out.add_snapshots()->set_name(o.name());
      then(out);
    });
  }
  bool primary;
  bool dropping = false;
  std::vector<std::string> orders;
  std::shared_ptr<process_controls> controls = std::make_shared<process_controls>();
};

// node-1 asks, node-2 answers, nobody is where node-3 should be.
struct fixture {
  fixture(desk& here, desk& there) {
    peer_service_options o;
    o.controls = there.controls;
    net.join("node-2", "10.0.0.2:9101");
    net.serve("10.0.0.2:9101", handler_of(fx.own(spawn_peer_service(fx.system, std::move(o)))));
    auto channel = net.join("node-1", "10.0.0.1:9101");
    surveyor_options s;
    s.cluster = test_cluster;
    s.view.local = nth_node(1);
    s.view.map = std::make_shared<const cluster_map>(map_of_up(3));
    s.net = channel;
    volume_operator_options v;
    v.surveyor = fx.own(spawn_surveyor(fx.system, std::move(s)));
    v.net = channel;
    v.controls = here.controls;
    volumes = fx.own(spawn_volume_operator(fx.system, std::move(v)));
  }
  answer<wire<pb::volume_report>> order(const std::string& volume, const std::string& name) {
    pb::volume_order o;
    o.set_kind(pb::volume_order::snapshot);
    o.set_volume(volume);
    o.set_name(name);
    return order(std::move(o));
  }
  answer<wire<pb::volume_report>> order(pb::volume_order o) {
    auto a = fx.ask<wire<pb::volume_report>>(volumes, order_atom::value, wire<pb::volume_order>{std::move(o)});
    fx.wait(a);
    return a;
  }
  actor_fixture fx;
  sim_network net{fx};
  volume_operator_actor volumes;
};

} // namespace

TEST_CASE("every process says which volumes it has, and one that is not there says why") {
  desk here{false}, there{true};
  fixture f{here, there};
  auto a = f.fx.ask<everyones_volumes>(f.volumes, everyone_atom::value);
  f.fx.wait(a);
  auto& said = a.value().answers->processes;
  REQUIRE(said.size() == 3);
  CHECK_FALSE(said.at(nth_node(1)).value().volumes(0).primary());
  CHECK(said.at(nth_node(2)).value().volumes(0).primary());
  CHECK(said.at(nth_node(3)).error().code == ec::unavailable);
}

TEST_CASE("an order is carried out by the primary of its volume, wherever that is, and by nobody else") {
  SECTION("here") {
    desk here{true}, there{false};
    fixture f{here, there};
    CHECK(f.order("v", "monday").value()->snapshots(0).name() == "monday");
    CHECK(here.orders.size() == 1);
    CHECK(there.orders.empty());
  }
  SECTION("in another process") {
    desk here{false}, there{true};
    fixture f{here, there};
    CHECK(f.order("v", "monday").value()->snapshots(0).name() == "monday");
    CHECK(f.order("v", "bad").code() == ec::conflict);
    CHECK(here.orders.empty());
    CHECK(there.orders.size() == 2);
  }
}

TEST_CASE("a volume grows at its primary, as was ordered") {
  desk here{false}, there{true};
  fixture f{here, there};
  pb::volume_order o;
  o.set_kind(pb::volume_order::grow);
  o.set_volume("v");
  o.set_size_gib(200);
  o.set_iops(4000);
  auto a = f.order(std::move(o));
  CHECK(a.value()->grown().size_gib() == 200);
  CHECK(a.value()->grown().state() == "4000");
  CHECK(here.orders.empty());
}

TEST_CASE("an order for a volume without a primary, or that nobody has, says so") {
  desk here{false}, there{false};
  fixture f{here, there};
  CHECK(f.order("v", "monday").code() == ec::unavailable);
  CHECK(f.order("w", "monday").code() == ec::unavailable); // node-3 may have it
  CHECK(here.orders.empty());
  CHECK(there.orders.empty());
}

TEST_CASE("a desk that is closed, or that drops an order, answers all the same") {
  volume_desk d;
  std::vector<ec> codes;
  auto note = [&](const result<pb::volume_report>& r) { codes.push_back(r ? ec{} : r.error().code); };
  pb::volume_order o;
  d.carry_out(o, note);
  o.set_kind(pb::volume_order::snapshot);
  d.carry_out(o, note);
  d.open([](const pb::volume_order&, const volume_desk::on_report&) {});
  d.carry_out(o, note);
  d.open([](const pb::volume_order&, const volume_desk::on_report& then) {
    then(pb::volume_report{});
    then(fail(ec::internal, "twice"));
  });
  d.carry_out(o, note);
  CHECK(codes == std::vector{ec{}, ec::not_found, ec::unavailable, ec{}});
}
