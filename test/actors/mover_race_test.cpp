// Two processes that both think that they are the one to heal, for a moment: each takes the other for the first coordinator
// that is not alive. They move the same extents; whoever loses a race takes back what it made, and no more.
#include "support/mover_fixture.hpp"
#include "support/print_result.hpp"

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;

namespace {

// Every piece that a row names is where it says, and nothing is left elsewhere.
void check_whole(mover_fixture& f, std::size_t pieces) {
  f.check_contents();
  CHECK(f.cluster.pieces_stored() == pieces);
  for (auto& [key, content] : f.contents) { // also without what parity covers
    auto extent = f.extent_of(key);
    auto nodes = map_of(extent).value().all_nodes();
    REQUIRE(nodes.size() == 5);
    for (std::size_t i = 0; i < 2; ++i) f.cluster.node(nodes[i].name).fail_all(ec::unavailable);
    auto got = f.cluster.download(extent, 0, content.size());
    REQUIRE(got);
    CHECK(*got == content);
    for (std::size_t i = 0; i < 2; ++i) f.cluster.node(nodes[i].name).heal();
  }
}

} // namespace

TEST_CASE("two movers that drain one node at the same time leave each piece once, and every object whole", "[mover]") {
  for (auto lead : {0ms, 1ms, 5ms, 20ms, 50ms, 150ms, 1000ms}) { // that the first one has
    INFO(lead.count() << " ms");
    mover_fixture f;
    put_some(f, 6);
    auto pieces = f.cluster.pieces_stored();
    f.start();
    f.nodes[5].state = node_state::up;
    f.nodes[2].state = node_state::draining;
    f.nodes[2].since_ms = 77;
    f.see();
    f.cluster.fx.advance(lead);
    f.start_second();
    f.pass(120s);
    CHECK(!f.names("node-2"));
    CHECK(f.pieces_on("node-2") == 0);
    CHECK(f.row_there(emptied_row(node_id{"node-2"})));
    check_whole(f, pieces);
  }
}

TEST_CASE("a mover that lost takes nothing back that the winner's row names, also when the winner left nothing behind",
  "[mover]") {
  mover_fixture f;
  put_some(f, 1);
  auto pieces = f.cluster.pieces_stored();
  f.start();
  f.start_second();
  for (auto& [name, script] : f.cluster.scripts) script->on_sync = ec::timeout; // both moves wait for their sync
  f.dead = {"node-1"};
  f.cluster.node("node-1").fail_all(ec::unavailable);
  f.nodes[5].state = node_state::up;
  f.nodes[1].state = node_state::gone; // nobody has to remove anything there
  f.see();
  f.cluster.fx.advance(2s);
  REQUIRE(f.names("node-1"));
  REQUIRE(f.cluster.node("node-5").held.size() >= 2);
  for (auto& [name, script] : f.cluster.scripts)
    if (name != "node-1") script->heal();
  f.cluster.answer_oldest(); // of the first one
  f.pass(15s);
  REQUIRE(f.names("node-5"));
  auto id = data_id::from_bytes(f.extent_of("key-0").data_id());
  REQUIRE(!f.row_there(tables::vacated_row(id))); // nothing is to be removed, and nothing says so any more
  REQUIRE(f.cluster.node("node-5").held.size() == 1);
  f.cluster.answer_oldest(); // of the second one, whose commit comes too late
  f.pass(120s);
  CHECK(!f.names("node-1"));
  REQUIRE(f.names("node-5"));
  auto gone = f.pieces_on("node-1");
  REQUIRE(gone > 0);
  check_whole(f, pieces + gone);
}
