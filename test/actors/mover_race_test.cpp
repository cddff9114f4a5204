// Two processes that both think that they are the one to heal, for a moment: each takes the other for the first coordinator
// that is not alive. They move the same extents; whoever loses a race takes back what it made, and no more.
#include "support/mover_fixture.hpp"
#include "support/print_result.hpp"

using namespace troupe;
using namespace troupe::test;

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

TEST_CASE("a mover whose commit comes too late takes nothing back that the winner's row names", "[mover]") {
  mover_fixture f;
  put_some(f, 1);
  auto pieces = f.cluster.pieces_stored();
  f.start();
  // Both make the lost pieces on the same node; what they read and write is released when both are at it.
  f.dead = {"node-1"};
  f.cluster.node("node-1").fail_all(ec::unavailable);
  f.nodes[5].state = node_state::up;
  f.nodes[1].state = node_state::down;
  f.nodes[1].since_ms = f.clock.now_ms;
  f.see();
  f.start_second();
  f.pass(59s);
  REQUIRE(f.names("node-1"));
  f.cluster.node("node-5").on_sync = ec::timeout;
  f.pass(3s);
  f.cluster.node("node-5").heal();
  f.cluster.answer_oldest();
  f.pass(120s);
  CHECK(!f.names("node-1"));
  CHECK(f.names("node-5"));
  f.check_contents();
  // What node-1 still holds is the only thing beside the row's pieces.
  CHECK(f.cluster.pieces_stored() - f.pieces_on("node-1") == pieces);
  f.cluster.node("node-1").heal();
  f.dead.clear();
  f.nodes[1].state = node_state::draining;
  f.see();
  f.pass(60s);
  check_whole(f, pieces);
}
