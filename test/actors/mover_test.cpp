#include "support/mover_fixture.hpp"
#include "support/print_result.hpp"

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;

TEST_CASE("nothing moves while every node is where it should be", "[mover]") {
  mover_fixture f;
  put_some(f);
  f.start();
  f.pass(5s);
  auto s = f.status();
  CHECK(s.extents_moved() == 0);
  CHECK(s.walks() >= 1);
  CHECK(s.stuck() == 0);
}

TEST_CASE("a drained node is named by no row in the end, holds nothing, and is noted as emptied", "[mover]") {
  mover_fixture f;
  put_some(f);
  REQUIRE(f.names("node-2"));
  f.start();
  f.nodes[5].state = node_state::up; // somewhere to go
  f.nodes[2].state = node_state::draining;
  f.nodes[2].since_ms = 77;
  f.see();
  f.pass(30s);
  CHECK(!f.names("node-2"));
  CHECK(f.pieces_on("node-2") == 0);
  CHECK(f.rows->get(emptied_row(node_id{"node-2"})).value() == "77");
  f.check_contents();
  CHECK(f.status().bytes_moved() > 0);
}

TEST_CASE("the pieces of a node that is down for long are made anew elsewhere", "[mover]") {
  mover_fixture f;
  put_some(f);
  f.start();
  f.dead = {"node-1"};
  f.cluster.node("node-1").fail_all(ec::unavailable);
  f.nodes[5].state = f.nodes[6].state = node_state::up;
  f.nodes[1].state = node_state::down;
  f.nodes[1].since_ms = f.clock.now_ms;
  f.see();
  f.pass(30s);
  CHECK(f.names("node-1")); // it may come back: the delay is a minute
  f.pass(60s);
  CHECK(!f.names("node-1"));
  f.check_contents();
  for (auto& [key, content] : f.contents)
    CHECK(f.row_there(tables::vacated_row(data_id::from_bytes(f.extent_of(key).data_id()))));
  SECTION("and what it still holds is removed when it returns") {
    f.cluster.node("node-1").heal();
    f.dead.clear();
    f.nodes[1].state = node_state::draining; // so that nothing comes back to it
    f.see();
    f.pass(30s);
    CHECK(f.pieces_on("node-1") == 0);
  }
}

TEST_CASE("a node that joins gets what the ring gives it, and what it got is gone elsewhere", "[mover]") {
  mover_fixture f;
  put_some(f, 20);
  f.start();
  auto before = f.cluster.pieces_stored();
  f.nodes[5].state = node_state::up;
  f.see();
  f.pass(120s);
  CHECK(f.names("node-5"));
  CHECK(f.pieces_on("node-5") > 0);
  CHECK(f.cluster.pieces_stored() == before);
  f.check_contents();
}

TEST_CASE("what is being read keeps its old pieces until it has been read", "[mover]") {
  mover_fixture f;
  put_some(f, 1);
  auto old = f.extent_of("key-0");
  auto pin = f.pins.hold(data_id::from_bytes(old.data_id()));
  f.start();
  f.nodes[5].state = node_state::up;
  f.nodes[0].state = node_state::draining;
  f.see();
  f.pass(60s);
  CHECK(!f.names("node-0"));
  CHECK(f.pieces_on("node-0") > 0);
  auto got = f.cluster.download(old, 0, f.contents["key-0"].size());
  REQUIRE(got);
  CHECK(*got == f.contents["key-0"]);
}

TEST_CASE("an overwrite during the move wins, and the copies are removed again", "[mover]") {
  mover_fixture f;
  put_some(f, 1);
  auto old = f.extent_of("key-0");
  f.start();
  for (auto& [name, script] : f.cluster.scripts) script->on_sync = ec::timeout; // the move waits for its sync
  f.nodes[5].state = node_state::up;
  f.nodes[0].state = node_state::draining;
  f.see();
  f.cluster.fx.advance(2s);
  auto kept = f.contents;
  pb::object_record other; // by somebody else
  other.set_inlined(true);
  f.rows->put(tables::object("bucket", "key-0"), other.SerializeAsString());
  f.contents.clear();
  for (auto& [name, script] : f.cluster.scripts) script->heal();
  f.cluster.answer_oldest();
  f.pass(60s);
  pb::object_record now;
  REQUIRE(now.ParseFromString(f.rows->get(tables::object("bucket", "key-0")).value().value()));
  CHECK(now.inlined());
  CHECK(f.pieces_on("node-5") == 0);
}

TEST_CASE("with nowhere to go pieces stay, and that is told", "[mover]") {
  mover_fixture f;
  put_some(f, 3);
  f.start();
  f.nodes[3].state = node_state::draining; // four are left for five pieces
  f.see();
  f.pass(10s);
  CHECK(f.names("node-3"));
  CHECK(f.status().stuck() == 3);
  CHECK(!f.row_there(emptied_row(node_id{"node-3"})));
  f.check_contents();
}

namespace {

pb::heal_report order(mover_fixture& f, pb::heal_order::kinds kind) {
  pb::heal_order o;
  o.set_kind(kind);
  auto a = f.cluster.fx.ask<wire<pb::heal_report>>(f.heal, heal_atom::value, wire<pb::heal_order>{std::move(o)});
  return *f.cluster.fx.wait(a).value();
}

} // namespace

TEST_CASE("an order to rebalance walks at once, and ends with a walk that found nothing", "[mover]") {
  mover_fixture f;
  put_some(f);
  f.start();
  f.pass(3s); // now it waits for a minute
  auto walks = f.status().walks();
  auto said = order(f, pb::heal_order::rebalance);
  CHECK(said.active());
  CHECK(said.rebalancing());
  CHECK(said.walk_extents_before() == 10);
  f.pass(3s);
  CHECK(f.status().walks() > walks);
  CHECK_FALSE(order(f, pb::heal_order::look).rebalancing());
}

TEST_CASE("an order to rebalance does not wait for a node that is down", "[mover]") {
  mover_fixture f;
  put_some(f);
  f.start();
  f.dead = {"node-1"};
  f.cluster.node("node-1").fail_all(ec::unavailable);
  f.nodes[5].state = f.nodes[6].state = node_state::up;
  f.nodes[1].state = node_state::down;
  f.nodes[1].since_ms = f.clock.now_ms;
  f.see();
  f.pass(5s);
  REQUIRE(f.names("node-1"));
  order(f, pb::heal_order::rebalance);
  f.pass(30s);
  CHECK(!f.names("node-1"));
  CHECK_FALSE(order(f, pb::heal_order::look).rebalancing());
  f.check_contents();
}
