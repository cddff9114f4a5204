#include "actors/healing_view.hpp"
#include "support/healer_fixture.hpp"

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;

TEST_CASE("what was written in part is completed, and its row goes then") {
  healer_fixture h;
  for (char c : {'a', 'b', 'c'}) h.add_repair(c);
  h.rows->put(tables::repair(id_of('d')), "\xff\xff\xff"); // stays, and holds up nobody
  auto row_left = [&](char c) { return h.rows->get(tables::repair(id_of(c)))->has_value(); };
  h.log->refuse = true;
  h.start();
  h.fx.advance(20s);
  CHECK(row_left('a'));
  CHECK(h.log->repaired.empty());
  h.log->refuse = false;
  h.fx.advance(20s);
  CHECK(h.log->repaired.size() == 3);
  for (char c : {'a', 'b', 'c'}) CHECK_FALSE(row_left(c));
  CHECK(row_left('d'));
  CHECK(h.log->removed.empty());
}

TEST_CASE("a few extents are repaired side by side, and one that takes long holds up those of its page alone") {
  healer_fixture h;
  h.rows_per_step = 16;
  for (char c = 'a'; c < 'k'; ++c) h.add_repair(c); // ten
  auto rows_left = [&] {
    std::size_t n = 0;
    for (char c = 'a'; c < 'k'; ++c) n += h.rows->get(tables::repair(id_of(c)))->has_value() ? 1 : 0;
    return n;
  };
  auto end = [&](std::size_t i) {
    h.log->answered = i;
    caf::anon_send(h.replicator, tick_atom::value);
    h.fx.advance(20s); // longer than the pause between walks: nobody begins another one
  };
  h.log->hold_repairs = true;
  h.start();
  h.fx.advance(20s);
  REQUIRE(h.log->held.size() == repairs_at_once);
  for (std::size_t left = 9; left >= repairs_at_once; --left) { // never the first one
    end(1);
    REQUIRE(h.log->held.size() == repairs_at_once);
    REQUIRE(rows_left() == left);
  }
  while (h.log->held.size() > 1) end(1);
  CHECK(rows_left() == 1);
  CHECK(h.log->repairs == 10); // none was begun twice
  h.log->hold_repairs = false;
  h.add_repair('z'); // of the next walk
  end(0);
  CHECK(rows_left() == 0);
  CHECK_FALSE(h.rows->get(tables::repair(id_of('z')))->has_value());
  CHECK(h.log->repairs == 11);
}

TEST_CASE("after a walk that repaired something the next one begins soon") {
  healer_fixture h;
  h.add_repair('a');
  h.log->on_repair = [&] { // a comparison notes another one, before where the walk is
    h.add_repair('A');
    h.log->on_repair = nullptr;
  };
  h.start();
  h.fx.advance(3s);
  CHECK(h.log->repairs == 2);
  CHECK_FALSE(h.rows->get(tables::repair(id_of('A')))->has_value());
}

TEST_CASE("pieces made anew for content that was reclaimed meanwhile are removed again") {
  healer_fixture h;
  h.add_repair('a');
  h.add_garbage_object(0, 'a');
  h.log->hold_repairs = true;
  h.start();
  h.fx.advance(5s);
  REQUIRE(h.log->held.size() == 1);
  h.clock.now_ms += 60'000;
  h.fx.advance(5s);
  REQUIRE_FALSE(h.garbage_left(0)); // and its row of table repairs went with it
  REQUIRE(h.log->removes == 1);
  caf::anon_send(h.replicator, tick_atom::value);
  h.fx.run();
  CHECK(h.log->removes == 2);
  CHECK(h.log->removed == std::set<std::string>{id_of('a').to_bytes()});
}

TEST_CASE(
  "an extent whose repair row went, or changed, while it was repaired is named by another row: nothing is removed") {
  healer_fixture h;
  h.add_repair('a');
  h.add_repair('b');
  pb::repair_record moved;
  moved.mutable_extent()->set_data_id(id_of('b').to_bytes());
  moved.add_missing()->set_node("node-9");
  h.log->on_repair = [&] { // what the mover does when it places the extents anew, or another process that repaired them
    h.rows->erase(tables::repair(id_of('a')));
    h.rows->put(tables::repair(id_of('b')), moved.SerializeAsString());
    h.log->on_repair = nullptr;
  };
  h.start();
  h.fx.advance(1s);
  CHECK(h.log->repaired.size() == 2);
  CHECK(h.log->removed.empty());
  REQUIRE(h.rows->get(tables::repair(id_of('b')))->has_value()); // it says what is still missing
  h.fx.advance(20s);
  CHECK_FALSE(h.rows->get(tables::repair(id_of('b')))->has_value());
  CHECK(h.log->removed.empty());
}
