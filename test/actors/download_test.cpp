#include "support/mock_cluster.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;

namespace {

constexpr stripe_geometry rs32{3, 2, 32};

} // namespace

TEST_CASE("with any two of five nodes gone or corrupt, every byte reads right, for every size near a boundary") {
  mock_cluster c{5};
  std::vector<std::size_t> sizes{1, 2, 3, 31, 32, 33, 63, 64, 65, 95, 96, 97, 191, 192, 193, 500};
  for (auto size : sizes) {
    auto content = content_of(size, size);
    auto s = c.upload(content, rs32);
    REQUIRE(s.has_value());
    for (int a = 0; a < 5; ++a)
      for (int b = 0; b < a; ++b) {
        auto& first = c.node("node-" + std::to_string(a));
        auto& second = c.node("node-" + std::to_string(b));
        first.on_read = ec::corrupt;
        second.on_read = ec::not_found;
        INFO("size " << size << " without nodes " << a << " and " << b);
        REQUIRE(c.download(s->extent, 0, size).value() == content);
        first.heal();
        second.heal();
      }
    REQUIRE(c.no_session_left());
  }
}

TEST_CASE("any range of an extent is what the content has there, healthy or degraded") {
  mock_cluster c{5};
  auto content = content_of(3, 700);
  auto s = c.upload(content, rs32);
  REQUIRE(s.has_value());
  std::mt19937_64 random{3};
  for (int i = 0; i < 300; ++i) {
    for (auto& [name, script] : c.scripts) script->heal();
    if (i % 2 == 1)
      for (int bad = 0; bad < 2; ++bad) c.node("node-" + std::to_string(random() % 5)).on_read = ec::not_found;
    auto offset = random() % 750, length = random() % 300;
    auto expected = offset < content.size() ? content.substr(offset, length) : "";
    REQUIRE(c.download(s->extent, offset, length).value() == expected);
  }
}

TEST_CASE("copies are read from any node that has one") {
  mock_cluster c{4};
  constexpr stripe_geometry copies{1, 2, 64};
  auto content = content_of(4, 200);
  auto s = c.upload(content, copies);
  REQUIRE(s.has_value());
  for (int i = 0; i < 3; ++i) {
    for (auto& [name, script] : c.scripts) script->on_read = ec::not_found;
    c.node(s->extent.placements(0).nodes(i)).heal();
    REQUIRE(c.download(s->extent, 10, 150).value() == content.substr(10, 150));
  }
}

TEST_CASE("three of five nodes gone is unavailable, and the error names them") {
  mock_cluster c{5};
  auto s = c.upload(content_of(5, 300), rs32);
  REQUIRE(s.has_value());
  for (auto name : {"node-0", "node-2", "node-4"}) c.node(name).on_read = ec::not_found;
  auto got = c.download(s->extent, 0, 300);
  REQUIRE(got.error().code == ec::unavailable);
  for (auto name : {"node-0", "node-2", "node-4"}) REQUIRE(got.error().message.find(name) != std::string::npos);
  c.fx.run();
  REQUIRE(c.no_session_left());
}

TEST_CASE("a piece of the wrong length counts as corrupt") {
  mock_cluster c{5};
  auto content = content_of(6, 300);
  auto s = c.upload(content, rs32);
  REQUIRE(s.has_value());
  for (auto& [key, bytes] : c.node("node-1").pieces) bytes = bytes.slice(0, bytes.size() / 2);
  REQUIRE(c.download(s->extent, 0, 300).value() == content);
}

TEST_CASE("a node that hangs is hedged, not waited for") {
  session_limits limits;
  limits.hedge.first = 300ms;
  mock_cluster c{5, limits};
  auto content = content_of(7, 96);
  auto s = c.upload(content, rs32);
  REQUIRE(s.has_value());
  c.node(s->extent.placements(0).nodes(1)).on_read = ec::timeout;
  auto before = c.fx.system.clock().now();
  REQUIRE(c.download(s->extent, 0, 96).value() == content);
  auto took = c.fx.system.clock().now() - before;
  REQUIRE(took >= 250ms);
  REQUIRE(took <= 400ms);
  c.fx.advance(15s);
  REQUIRE(c.no_session_left());
}

TEST_CASE("nodes that all hang end a download by the piece timeout") {
  session_limits limits;
  mock_cluster c{5, limits};
  auto s = c.upload(content_of(8, 300), rs32);
  REQUIRE(s.has_value());
  for (auto& [name, script] : c.scripts) script->on_read = ec::timeout;
  auto started = c.fx.ask<download_actor>(
    c.replicator, download_atom::value, wire{s->extent}, std::uint64_t{0}, std::uint64_t{300}, trace_context{});
  c.fx.run();
  auto next = c.fx.ask<chunk>(started.value(), next_atom::value);
  c.fx.advance(limits.piece_timeout + 5s);
  REQUIRE(next.code() == ec::unavailable);
  REQUIRE(c.no_session_left());
}

TEST_CASE("a download reads ahead by its window and no further") {
  session_limits limits;
  limits.read_ahead_bytes = 320;
  mock_cluster c{5, limits};
  auto content = content_of(9, 20'000);
  auto s = c.upload(content, rs32);
  REQUIRE(s.has_value());
  auto reads = [&] {
    std::uint64_t n = 0;
    for (auto& [name, script] : c.scripts) n += std::exchange(script->reads, 0);
    return n;
  };
  reads();
  auto started = c.fx.ask<download_actor>(
    c.replicator, download_atom::value, wire{s->extent}, std::uint64_t{0}, std::uint64_t{20'000}, trace_context{});
  c.fx.run();
  REQUIRE(reads() == 10); // nobody has asked for a byte yet
  c.fx.advance(1s);
  REQUIRE(reads() == 0);
  auto next = c.fx.ask<chunk>(started.value(), next_atom::value);
  c.fx.run();
  REQUIRE(next.value().text() == content.substr(0, 32));
  REQUIRE(reads() == 1);
  // Nodes that never answer do not make it ask for more, hedges apart: at most the pieces of the open stripes.
  for (auto& [name, script] : c.scripts) script->on_read = ec::timeout;
  for (int i = 0; i < 10; ++i) next = c.fx.ask<chunk>(started.value(), next_atom::value), c.fx.run();
  c.fx.advance(5s);
  REQUIRE(reads() <= 5 * 5);
  caf::anon_send(started.value(), abandon_atom::value);
  c.fx.run();
  c.fx.advance(15s);
  REQUIRE(c.no_session_left());
}

TEST_CASE("a download whose owner went away ends by itself") {
  mock_cluster c{5};
  auto s = c.upload(content_of(10, 300), rs32);
  REQUIRE(s.has_value());
  auto started = c.fx.ask<download_actor>(
    c.replicator, download_atom::value, wire{s->extent}, std::uint64_t{0}, std::uint64_t{300}, trace_context{});
  c.fx.advance(4min, 1s);
  REQUIRE_FALSE(c.no_session_left());
  c.fx.advance(2min, 1s);
  REQUIRE(c.no_session_left());
}

TEST_CASE("a download that is killed answers who waits for it") {
  mock_cluster c{5};
  auto s = c.upload(content_of(11, 300), rs32);
  REQUIRE(s.has_value());
  for (auto& [name, script] : c.scripts) script->on_read = ec::timeout;
  auto started = c.fx.ask<download_actor>(
    c.replicator, download_atom::value, wire{s->extent}, std::uint64_t{0}, std::uint64_t{300}, trace_context{});
  c.fx.run();
  auto next = c.fx.ask<chunk>(started.value(), next_atom::value);
  c.fx.run();
  c.fx.stop(started.value());
  REQUIRE(next.code() == ec::unavailable);
}

TEST_CASE("an extent that makes no sense is refused") {
  mock_cluster c{5};
  auto s = c.upload(content_of(12, 300), rs32);
  REQUIRE(s.has_value());
  auto refused = [&](auto&& spoil) {
    auto e = s->extent;
    spoil(e);
    return c.download(e, 0, 300).error().code == ec::corrupt;
  };
  REQUIRE(refused([](pb::extent& e) { e.set_data_id("short"); }));
  REQUIRE(refused([](pb::extent& e) { e.mutable_geometry()->set_k(0); }));
  REQUIRE(refused([](pb::extent& e) { e.clear_placements(); }));
  REQUIRE(refused([](pb::extent& e) { e.mutable_placements(0)->add_nodes("one too many"); }));
  REQUIRE(refused([](pb::extent& e) { e.mutable_placements(0)->set_first_stripe(1); }));
  REQUIRE(refused([](pb::extent& e) { *e.add_placements() = e.placements(0); }));
}
