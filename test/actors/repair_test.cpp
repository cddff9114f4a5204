#include "support/mock_cluster.hpp"

#include <catch2/catch.hpp>

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;

namespace {

constexpr stripe_geometry rs32{3, 2, 64};

result<> repair(mock_cluster& c, const pb::repair_record& what) {
  auto a = c.fx.ask(c.replicator, repair_atom::value, wire{what});
  return c.fx.wait(a);
}

// Two nodes fail after which the content must still be whole: only possible when nothing is missing.
void check_whole(mock_cluster& c, const upload_summary& s, const std::string& content, const std::string& repaired) {
  std::size_t failed = 0;
  for (auto& [name, script] : c.scripts)
    if (name != repaired && failed < 2) {
      script->fail_all(ec::io_error);
      ++failed;
    }
  CHECK(c.download(s.extent, 0, content.size()).value() == content);
  for (auto& [name, script] : c.scripts) script->heal();
}

} // namespace

TEST_CASE("the pieces that a node did not take are made anew when it is back") {
  auto bytes = GENERATE(1u, 65u, 192u, 1000u, 1001u); // the last stripe may have empty pieces
  auto copies = GENERATE(false, true);
  auto geometry = copies ? stripe_geometry{1, 2, 64} : rs32;
  CAPTURE(bytes, geometry.k);
  mock_cluster c{geometry.k == 1 ? 3u : 5u};
  auto content = content_of(bytes, bytes);
  for (std::size_t i = 0; i < c.scripts.size(); ++i) { // each node in turn
    auto name = "node-" + std::to_string(i);
    auto& bad = c.node(name);
    bad.fail_all(ec::no_space);
    auto s = c.upload(content, geometry);
    REQUIRE(s.has_value());
    bad.heal();
    if (s->repair.missing_size() == 0) continue; // it was to hold known zeros only
    auto syncs = bad.syncs;
    REQUIRE(repair(c, s->repair));
    CHECK(bad.syncs == syncs + 1);
    check_whole(c, *s, content, name);
    REQUIRE(repair(c, s->repair)); // once more does no harm
    c.fx.advance(20s);             // it is not suspected any longer
  }
  CHECK(c.no_session_left());
}

TEST_CASE("a repair that can not be done says so, and ends") {
  mock_cluster c{5};
  auto content = content_of(1, 1000);
  c.node("node-2").fail_all(ec::io_error);
  auto s = c.upload(content, rs32);
  REQUIRE(s.has_value());
  REQUIRE(s->repair.missing_size() > 0);
  SECTION("its node is still away") { CHECK(repair(c, s->repair).error().code == ec::io_error); }
  SECTION("it does not sync") {
    c.node("node-2").heal();
    c.node("node-2").on_sync = ec::io_error;
    CHECK(repair(c, s->repair).error().code == ec::io_error);
  }
  SECTION("too little is left") {
    c.node("node-2").heal();
    c.node("node-0").fail_all(ec::io_error);
    c.node("node-1").fail_all(ec::corrupt);
    CHECK(repair(c, s->repair).error().code == ec::unavailable);
  }
  SECTION("a node that does not answer") {
    c.node("node-2").heal();
    c.node("node-0").on_read = ec::timeout;
    REQUIRE(repair(c, s->repair));
    check_whole(c, *s, content, "node-2");
  }
  SECTION("a record that makes no sense") {
    auto what = s->repair;
    what.mutable_missing(0)->set_stripe(1000);
    CHECK(repair(c, what).error().code == ec::corrupt);
    what = {};
    CHECK(repair(c, what).error().code == ec::corrupt);
  }
  for (auto& [name, script] : c.scripts) script->heal();
  c.fx.advance(60s);
  CHECK(c.no_session_left());
}

TEST_CASE("a node that lost its pieces is found by comparison, and gets them back") {
  mock_cluster c{5};
  auto content = content_of(9, 1001);
  auto s = c.upload(content, rs32);
  REQUIRE(s.has_value());
  auto compare = [&] {
    auto a = c.fx.ask<wire<pb::repair_record>>(c.replicator, compare_atom::value, wire{s->extent});
    return c.fx.wait(a).value();
  };
  CHECK(compare()->missing_size() == 0);
  auto had = c.node("node-3").pieces.size();
  c.node("node-3").pieces.clear();
  c.node("node-1").on_read = ec::io_error; // what it has is not known
  auto found = compare();
  CHECK(static_cast<std::size_t>(found->missing_size()) == had);
  CHECK(found->extent().data_id() == s->extent.data_id());
  c.node("node-1").heal();
  REQUIRE(repair(c, *found));
  CHECK(c.node("node-3").pieces.size() == had);
  CHECK(compare()->missing_size() == 0);
  check_whole(c, *s, content, "node-3");
}

TEST_CASE("repairs share one rate, within an extent too") {
  mock_cluster c{5, {}, std::make_shared<shared_byte_rate>(byte_rate{1024, 0s})};
  auto content = content_of(1, 30 * 192); // 30 stripes, each lacking a piece of 64 bytes
  c.node("node-2").fail_all(ec::io_error);
  auto first = c.upload(content, rs32), second = c.upload(content, rs32);
  REQUIRE(first.has_value());
  REQUIRE(second.has_value());
  c.node("node-2").heal();
  auto missing = first->repair.missing_size() + second->repair.missing_size();
  REQUIRE(missing > 40);
  auto before = c.node("node-2").appends;
  auto a = c.fx.ask(c.replicator, repair_atom::value, wire{first->repair});
  auto b = c.fx.ask(c.replicator, repair_atom::value, wire{second->repair});
  c.fx.advance(1s);
  auto made = c.node("node-2").appends - before;
  CHECK(made >= 14); // 16 pieces a second
  CHECK(made <= 18);
  CHECK_FALSE(a.ready());
  c.fx.advance(5s);
  CHECK(a.ok());
  CHECK(b.ok());
  CHECK(c.no_session_left());
}
