#include "support/healer_fixture.hpp"

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;

TEST_CASE("garbage is reclaimed after the grace period, not before") {
  healer_fixture h;
  for (std::uint32_t i = 0; i < 5; ++i) h.add_garbage_object(i, static_cast<char>('a' + i));
  h.start();
  h.fx.advance(5s);
  CHECK(h.log->removed.empty());
  CHECK(h.garbage_left(0));
  h.clock.now_ms += 60'000;
  h.fx.advance(5s);
  CHECK(h.log->removed.size() == 5);
  for (std::uint32_t i = 0; i < 5; ++i) CHECK_FALSE(h.garbage_left(i));
}

TEST_CASE("content that is being read is reclaimed only when its reader is done") {
  healer_fixture h;
  h.add_garbage_object(0, 'a');
  h.clock.now_ms += 60'000;
  h.start();
  {
    auto reader = h.pins.hold(id_of('a'));
    h.fx.advance(5s);
    CHECK(h.log->removed.empty());
    CHECK(h.garbage_left(0));
  }
  h.fx.advance(5s);
  CHECK(h.log->removed.size() == 1);
  CHECK_FALSE(h.garbage_left(0));
}

TEST_CASE("a row stays until every node confirmed the removal, and does not hold up the others") {
  healer_fixture h;
  h.add_garbage_object(0, 'a');
  h.clock.now_ms += 60'000;
  h.log->refuse = true;
  h.start();
  h.fx.advance(5s);
  CHECK(h.garbage_left(0));
  h.log->refuse = false;
  h.fx.advance(5s);
  CHECK_FALSE(h.garbage_left(0));
}

TEST_CASE("the parts of a manifest are reclaimed with it") {
  healer_fixture h;
  pb::manifest manifest;
  for (char c : {'x', 'y', 'z'}) manifest.add_parts()->mutable_extent()->set_data_id(id_of(c).to_bytes());
  manifest.add_parts()->set_inline_data("small");
  h.rows->put(tables::manifest(id_of('m')), manifest.SerializeAsString());
  pb::object_record record;
  record.set_manifest_id(id_of('m').to_bytes());
  h.add_garbage(0, tables::objects, record.SerializeAsString());
  h.clock.now_ms += 60'000;
  h.start();
  {
    auto reader = h.pins.hold(id_of('y'));
    h.fx.advance(5s);
    CHECK(h.log->removed.empty());
  }
  h.fx.advance(5s);
  CHECK(h.log->removed == std::set<std::string>{id_of('x').to_bytes(), id_of('y').to_bytes(), id_of('z').to_bytes()});
  CHECK_FALSE(h.rows->get(tables::manifest(id_of('m')))->has_value());
  CHECK_FALSE(h.garbage_left(0));
}

TEST_CASE("garbage that names no content goes at once, and unreadable garbage stays") {
  healer_fixture h;
  pb::object_record inlined;
  inlined.set_inlined(true);
  h.add_garbage(0, tables::objects, inlined.SerializeAsString());
  h.add_garbage(1, tables::objects, "\xff\xff\xff");
  h.clock.now_ms += 60'000;
  h.start();
  h.fx.advance(5s);
  CHECK_FALSE(h.garbage_left(0));
  CHECK(h.garbage_left(1));
  CHECK(h.log->removed.empty());
}

TEST_CASE("what nodes lack is noted and made anew, whichever row names it") {
  healer_fixture h;
  pb::object_record object;
  object.mutable_extent()->set_data_id(id_of('o').to_bytes());
  h.rows->put(tables::object("bkt", "k"), object.SerializeAsString());
  for (int i = 0; i < 5; ++i) { // all is there; more than a page of rows
    object.mutable_extent()->set_data_id(id_of(static_cast<char>('0' + i)).to_bytes());
    h.rows->put(tables::object("bkt", "whole" + std::to_string(i)), object.SerializeAsString());
  }
  pb::object_record inlined;
  inlined.set_inlined(true);
  h.rows->put(tables::object("bkt", "inlined"), inlined.SerializeAsString());
  pb::part_record part;
  part.mutable_extent()->set_data_id(id_of('p').to_bytes());
  h.rows->put(tables::part(id_of('u'), 1), part.SerializeAsString());
  pb::manifest manifest;
  for (char c : {'m', 'n'}) manifest.add_parts()->mutable_extent()->set_data_id(id_of(c).to_bytes());
  h.rows->put(tables::manifest(id_of('x')), manifest.SerializeAsString());
  for (char c : {'o', 'p', 'n'}) h.log->lacking.insert(id_of(c).to_bytes());
  h.start();
  auto lacking = h.log->lacking;
  h.log->on_repair = [&] { h.log->lacking.clear(); };
  h.fx.advance(30s);
  CHECK(h.log->compared == 9);
  CHECK(h.log->repaired == lacking);
  h.fx.advance(caf::timespan{61min});
  CHECK(h.log->compared == 18);
}

TEST_CASE("what was deleted while it was compared is not noted") {
  healer_fixture h;
  pb::object_record object;
  object.mutable_extent()->set_data_id(id_of('o').to_bytes());
  h.rows->put(tables::object("bkt", "k"), object.SerializeAsString());
  h.log->lacking.insert(id_of('o').to_bytes());
  h.log->on_compare = [&] { h.rows->erase(tables::object("bkt", "k")); };
  h.start();
  h.fx.advance(30s);
  CHECK(h.log->compared == 1);
  CHECK(h.log->repaired.empty());
  CHECK_FALSE(h.rows->get(tables::repair(id_of('o')))->has_value());
}

namespace {

pb::heal_report order(healer_fixture& h, pb::heal_order::kinds kind, const std::string& node = {}) {
  pb::heal_order o;
  o.set_kind(kind);
  o.set_node(node);
  auto a = h.fx.ask<wire<pb::heal_report>>(h.heal, heal_atom::value, wire<pb::heal_order>{std::move(o)});
  return *h.fx.wait(a).value();
}

void add_object_on(healer_fixture& h, char id, const std::string& node) {
  pb::object_record object;
  object.mutable_extent()->set_data_id(id_of(id).to_bytes());
  object.mutable_extent()->add_placements()->add_nodes(node);
  h.rows->put(tables::object("bkt", std::string(1, id)), object.SerializeAsString());
}

} // namespace

TEST_CASE("an order to repair compares at once, and is done when all was compared") {
  healer_fixture h;
  for (char c : {'a', 'b', 'c'}) add_object_on(h, c, "node-1");
  h.start();
  h.fx.advance(30s);
  REQUIRE(h.log->compared == 3);
  CHECK_FALSE(order(h, pb::heal_order::look).comparing().wanted());
  h.log->lacking.insert(id_of('b').to_bytes());
  auto said = order(h, pb::heal_order::repair);
  CHECK(said.active());
  CHECK(said.comparing().wanted());
  CHECK(said.comparing().extents_before() == 3);
  h.fx.advance(20s);
  CHECK(h.log->compared == 6);
  CHECK(h.log->repaired.contains(id_of('b').to_bytes()));
  said = order(h, pb::heal_order::look);
  CHECK_FALSE(said.comparing().wanted());
  CHECK(said.comparing().incomplete() == 1);
  CHECK(said.comparing().repaired() == 1);
  CHECK(said.comparing().walks() == 2);
  h.fx.advance(caf::timespan{61min}); // the hourly comparison goes on, once
  CHECK(h.log->compared == 9);
}

TEST_CASE("an order to repair one node compares what that node should hold") {
  healer_fixture h;
  add_object_on(h, 'a', "node-1");
  add_object_on(h, 'b', "node-2");
  h.start();
  h.fx.advance(30s);
  REQUIRE(h.log->compared == 2);
  order(h, pb::heal_order::repair, "node-2");
  h.fx.advance(20s);
  CHECK(h.log->compared == 3);
  order(h, pb::heal_order::repair, "node-1");
  order(h, pb::heal_order::repair, "node-2"); // both
  h.fx.advance(20s);
  CHECK(h.log->compared == 5);
}
