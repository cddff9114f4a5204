#include "support/mock_cluster.hpp"

#include "codec/digest.hpp"

#include <catch2/catch.hpp>

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;

namespace {

constexpr stripe_geometry rs32{3, 2, 64};

std::string first_node(const upload_summary& s, int piece) { return s.extent.placements(0).nodes(piece); }

} // namespace

TEST_CASE("an upload says where its pieces are, and what its content hashes to") {
  mock_cluster c{5};
  checksum_set wanted;
  wanted.add(checksum_kind::sha256);
  auto content = content_of(1, 500);
  auto s = c.upload(content, rs32, wanted);
  REQUIRE(s.has_value());
  REQUIRE(s->extent.size() == 500);
  REQUIRE(s->extent.data_id().size() == 16);
  REQUIRE(s->extent.placements_size() == 1);
  REQUIRE(s->extent.placements(0).nodes_size() == 5);
  REQUIRE(s->repair.missing_size() == 0);
  auto hash = md5(as_bytes(content));
  REQUIRE(s->md5 == as_text(hash));
  auto sha = sha256(as_bytes(content));
  REQUIRE(s->checksums.get(checksum_kind::sha256) == as_text(sha));
  REQUIRE(s->checksums.get(checksum_kind::crc32).empty());
  for (auto& [name, script] : c.scripts) REQUIRE(script->syncs == 1);
  REQUIRE(c.no_session_left());
}

TEST_CASE("uploads that are hashed side by side have their own hashes") {
  session_limits limits;
  limits.hash_together_from = GENERATE(1, 3);
  mock_cluster c{5, limits};
  std::vector<std::string> contents;
  std::vector<upload_actor> sessions;
  for (std::uint64_t i = 0; i < 5; ++i) {
    contents.push_back(content_of(i, 150 * i + 7 * i)); // the first one is empty
    sessions.push_back(c.begin_upload(contents.back().size(), rs32));
  }
  for (std::size_t piece = 0; piece < 20; ++piece) { // all of them at a time, each as far as it goes
    std::vector<decltype(c.fx.ask(sessions[0], write_atom::value, chunk{}))> answers;
    for (std::size_t i = 0; i < sessions.size(); ++i) {
      stripe_layout layout{rs32, contents[i].size()};
      auto ranges = layout.ranges(0, contents[i].size());
      if (piece >= ranges.size()) continue;
      auto r = ranges[piece];
      auto begin = r.stripe * 192 + r.piece * layout.piece_bytes(r.stripe);
      auto bytes = chunk::copy_of(std::string_view{contents[i]}.substr(begin, r.length));
      answers.push_back(c.fx.ask(sessions[i], write_atom::value, std::move(bytes)));
    }
    for (auto& a : answers) REQUIRE(c.fx.wait(a));
  }
  for (std::size_t i = 0; i < sessions.size(); ++i) {
    auto a = c.fx.ask<upload_summary>(sessions[i], finish_atom::value);
    auto s = c.fx.wait(a);
    REQUIRE(s.has_value());
    auto hash = md5(as_bytes(contents[i]));
    REQUIRE(s->md5 == as_text(hash));
    REQUIRE(c.download(s->extent, 0, contents[i].size()).value() == contents[i]);
  }
  REQUIRE(c.no_session_left());
}

TEST_CASE("empty content needs no node") {
  mock_cluster c{5};
  for (auto& [name, script] : c.scripts) script->fail_all(ec::io_error);
  auto s = c.upload("", rs32);
  REQUIRE(s.has_value());
  REQUIRE(s->extent.size() == 0);
  auto hash = md5({});
  REQUIRE(s->md5 == as_text(hash));
  REQUIRE(c.download(s->extent, 0, 10).value().empty());
  REQUIRE(c.no_session_left());
}

TEST_CASE("one node of five that fails leaves a repair record behind, and the content can be read") {
  for (bool at_sync : {false, true}) {
    mock_cluster c{5};
    auto& bad = c.node("node-2");
    (at_sync ? bad.on_sync : bad.on_append) = ec::no_space;
    auto content = content_of(2, 1000); // six stripes
    auto s = c.upload(content, rs32);
    REQUIRE(s.has_value());
    REQUIRE(s->repair.missing_size() > 0);
    for (auto& m : s->repair.missing()) REQUIRE(m.node() == "node-2");
    REQUIRE(s->repair.extent().data_id() == s->extent.data_id());
    bad.fail_all(ec::io_error);
    REQUIRE(c.download(s->extent, 0, 1000).value() == content);
    REQUIRE(c.no_session_left());
  }
}

TEST_CASE("two nodes of five that fail fail the upload, and nothing of it stays") {
  for (bool at_sync : {false, true}) {
    mock_cluster c{5};
    for (auto name : {"node-1", "node-4"}) (at_sync ? c.node(name).on_sync : c.node(name).on_append) = ec::io_error;
    auto s = c.upload(content_of(3, 1000), rs32);
    REQUIRE(s.error().code == ec::unavailable);
    REQUIRE(s.error().message.find(at_sync ? "only 3 of 5" : "node-4: scripted") != std::string::npos);
    c.fx.run();
    REQUIRE(c.pieces_stored() == 0);
    c.fx.advance(1s);
    REQUIRE(c.no_session_left());
  }
}

TEST_CASE("a spare node takes the place of one that fails, and no piece is missing") {
  mock_cluster c{6};
  auto content = content_of(4, 2000);
  auto probe = c.upload(content, rs32);
  REQUIRE(probe.has_value());
  auto bad = first_node(*probe, 1);
  auto session = c.begin_upload(content.size(), rs32);
  std::size_t i = 0;
  for (auto r : stripe_layout{rs32, content.size()}.ranges(0, content.size())) {
    if (++i == 15) c.node(bad).on_append = ec::io_error; // in the middle
    auto begin = r.stripe * 192 + r.piece * stripe_layout{rs32, content.size()}.piece_bytes(r.stripe);
    auto a = c.fx.ask(session, write_atom::value, chunk::copy_of(std::string_view{content}.substr(begin, r.length)));
    REQUIRE(c.fx.wait(a));
  }
  auto finished = c.fx.ask<upload_summary>(session, finish_atom::value);
  auto s = c.fx.wait(finished);
  REQUIRE(s.has_value());
  REQUIRE(s->repair.missing_size() == 0);
  REQUIRE(s->extent.placements_size() <= 2);
  REQUIRE(c.download(s->extent, 0, content.size()).value() == content);
  c.node(bad).fail_all(ec::io_error);
  REQUIRE(c.download(s->extent, 0, content.size()).value() == content);
}

TEST_CASE("a node that hangs costs an upload its grace, and the next upload nothing") {
  session_limits limits;
  limits.slow_grace = 3s;
  mock_cluster c{5, limits};
  c.node("node-3").on_append = c.node("node-3").on_sync = ec::timeout;
  auto content = content_of(5, 4000); // 21 stripes
  auto before = c.fx.system.clock().now();
  auto s = c.upload(content, rs32);
  REQUIRE(s.has_value());
  auto took = c.fx.system.clock().now() - before;
  REQUIRE(took >= 3s);
  REQUIRE(took < 4s);
  REQUIRE(s->repair.missing_size() == 21);
  before = c.fx.system.clock().now();
  s = c.upload(content, rs32);
  REQUIRE(s.has_value());
  REQUIRE(c.fx.system.clock().now() - before < 100ms);
  REQUIRE(c.download(s->extent, 0, content.size()).value() == content);
  c.fx.advance(20s); // suspicion is over, and the node is back
  c.node("node-3").heal();
  s = c.upload(content, rs32);
  REQUIRE(s->repair.missing_size() == 0);
}

TEST_CASE("a node whose sync hangs is waited for a grace only") {
  mock_cluster c{5};
  c.node("node-0").on_sync = ec::timeout;
  auto before = c.fx.system.clock().now();
  auto s = c.upload(content_of(6, 700), rs32);
  REQUIRE(s.has_value());
  REQUIRE(c.fx.system.clock().now() - before < 4s);
  REQUIRE(s->repair.missing_size() == 4);
}

TEST_CASE("with durability all, one sync that fails fails the upload") {
  mock_cluster c{5};
  c.durability = durability::all;
  auto content = content_of(7, 700);
  REQUIRE(c.upload(content, rs32)->repair.missing_size() == 0);
  c.node("node-3").on_sync = ec::io_error;
  REQUIRE(c.upload(content, rs32).error().code == ec::unavailable);
  c.durability = durability::quorum;
  REQUIRE(c.upload(content, rs32).has_value());
}

TEST_CASE("with durability first, one copy's sync is enough, and the other copies are written down for repair") {
  constexpr stripe_geometry copies{1, 2, 64};
  mock_cluster c{3};
  c.durability = durability::first;
  c.node("node-0").on_sync = c.node("node-1").on_sync = ec::timeout; // they hang
  auto before = c.fx.system.clock().now();
  auto content = content_of(8, 200);
  auto s = c.upload(content, copies);
  REQUIRE(s.has_value());
  REQUIRE(c.fx.system.clock().now() - before < 500ms); // not even the grace of slow nodes
  REQUIRE(s->repair.missing_size() == 8);              // two copies of four stripes
  REQUIRE(c.download(s->extent, 0, 200).value() == content);
  c.node("node-2").on_sync = ec::io_error;
  REQUIRE(c.upload(content, copies).error().code == ec::unavailable);
}

TEST_CASE("one piece of erasure-coded content is nothing to acknowledge") {
  mock_cluster c{5};
  upload_options what;
  what.size = 200;
  what.geometry = rs32;
  what.durability = durability::first;
  auto a = c.fx.ask<upload_actor>(c.replicator, upload_atom::value, what);
  REQUIRE(c.fx.wait(a).error().code == ec::bad_argument);
}

TEST_CASE("an upload holds a bounded number of stripes, whatever the nodes do") {
  session_limits limits;
  mock_cluster c{5, limits};
  for (auto& [name, script] : c.scripts) script->on_append = ec::timeout;
  auto session = c.begin_upload(100'000, rs32);
  std::size_t answered = 0;
  answer<> last;
  for (int i = 0; i < 100; ++i) {
    last = c.fx.ask(session, write_atom::value, chunk::copy_of(std::string(64, 'x')));
    c.fx.run();
    if (!last.ready()) break;
    ++answered;
  }
  REQUIRE(answered == 5); // two stripes of three; the last piece waits for room
  std::uint64_t appends = 0, bytes = 0;
  for (auto& [name, script] : c.scripts) {
    appends += script->appends;
    bytes += script->held_bytes;
  }
  REQUIRE(appends == 10);
  REQUIRE(bytes == 640);
  // One stripe settles: there is room for one more.
  c.answer_oldest();
  REQUIRE(last.ok());
  // Nobody answers ever: the piece timeout ends it.
  for (int i = 0; i < 3; ++i)
    last = c.fx.ask(session, write_atom::value, chunk::copy_of(std::string(64, 'x'))), c.fx.run();
  REQUIRE_FALSE(last.ready());
  c.fx.advance(limits.piece_timeout + 1s);
  REQUIRE(last.code() == ec::unavailable);
  REQUIRE(c.no_session_left());
}

TEST_CASE("an abandoned upload takes its pieces back and ends") {
  mock_cluster c{5};
  auto session = c.begin_upload(1000, rs32);
  REQUIRE(c.fx.wait(c.fx.ask(session, write_atom::value, chunk::copy_of(std::string(64, 'x')))));
  REQUIRE(c.pieces_stored() == 1);
  caf::anon_send(session, abandon_atom::value);
  c.fx.run();
  REQUIRE(c.pieces_stored() == 0);
  REQUIRE(c.no_session_left());
}

TEST_CASE("an upload whose owner went away ends by itself and takes its pieces back") {
  mock_cluster c{5};
  auto session = c.begin_upload(1000, rs32);
  REQUIRE(c.fx.wait(c.fx.ask(session, write_atom::value, chunk::copy_of(std::string(64, 'x')))));
  c.fx.advance(4min, 1s);
  REQUIRE_FALSE(c.no_session_left());
  c.fx.advance(2min, 1s);
  REQUIRE(c.pieces_stored() == 0);
  REQUIRE(c.no_session_left());
}

TEST_CASE("an upload that is killed answers who waits for it") {
  mock_cluster c{5};
  for (auto& [name, script] : c.scripts) script->on_sync = ec::timeout;
  auto session = c.begin_upload(10, rs32);
  REQUIRE(c.write_all(session, "0123456789", rs32));
  auto finished = c.fx.ask<upload_summary>(session, finish_atom::value);
  c.fx.run();
  REQUIRE_FALSE(finished.ready());
  c.fx.stop(session);
  REQUIRE(finished.code() == ec::unavailable);
  REQUIRE(c.no_session_left());
}

TEST_CASE("a data piece of another length than is due is refused, and so is finish before the end") {
  mock_cluster c{5};
  auto session = c.begin_upload(100, rs32);
  auto early = c.fx.ask<upload_summary>(session, finish_atom::value);
  c.fx.run();
  REQUIRE(early.code() == ec::bad_argument);
  auto wrong = c.fx.ask(session, write_atom::value, chunk::copy_of("short"));
  c.fx.run();
  REQUIRE(wrong.code() == ec::bad_argument);
  REQUIRE(c.no_session_left());
  upload_options nonsense;
  nonsense.size = 1;
  nonsense.geometry = {0, 0, 0};
  auto refused = c.fx.ask<upload_actor>(c.replicator, upload_atom::value, nonsense);
  c.fx.run();
  REQUIRE(refused.code() == ec::bad_argument);
}

TEST_CASE("the pieces of a stripe may be sent without waiting, and what goes wrong with them is the next answer") {
  mock_cluster c{5};
  auto content = content_of(11, 64 * 6);
  auto session = c.begin_upload(content.size(), rs32);
  auto piece = [&](std::size_t i) { return chunk::copy_of(std::string_view{content}.substr(i * 64, 64)); };
  for (std::size_t i = 0; i < 6; ++i) {
    if (i % 3 == 2)
      REQUIRE(c.fx.wait(c.fx.ask(session, write_atom::value, piece(i))));
    else
      caf::anon_send(session, write_atom::value, piece(i));
  }
  auto finished = c.fx.ask<upload_summary>(session, finish_atom::value);
  auto summary = c.fx.wait(finished);
  REQUIRE(summary.has_value());
  REQUIRE(c.download(summary->extent, 0, content.size()).value() == content);

  session = c.begin_upload(content.size(), rs32);
  caf::anon_send(session, write_atom::value, chunk::copy_of("short"));
  caf::anon_send(session, write_atom::value, piece(0));
  c.fx.run();
  auto told = c.fx.ask(session, write_atom::value, piece(1));
  c.fx.run();
  REQUIRE(told.code() == ec::bad_argument);
  REQUIRE(c.no_session_left());
}

TEST_CASE("more pieces than nodes can keep are refused at the start") {
  mock_cluster c{3};
  upload_options what;
  what.size = 1000;
  what.geometry = rs32;
  auto refused = c.fx.ask<upload_actor>(c.replicator, upload_atom::value, what);
  c.fx.run();
  REQUIRE(refused.code() == ec::unavailable);
}

TEST_CASE("removing an extent asks every node, and says so when one did not confirm") {
  mock_cluster c{5};
  auto s = c.upload(content_of(7, 1000), rs32);
  REQUIRE(s.has_value());
  c.node("node-1").on_remove = ec::timeout;
  auto removed = c.fx.ask(c.replicator, remove_atom::value, wire{s->extent});
  c.fx.advance(11s);
  REQUIRE(removed.code() == ec::timeout);
  REQUIRE(c.pieces_stored() == c.node("node-1").pieces.size());
  c.node("node-1").heal();
  removed = c.fx.ask(c.replicator, remove_atom::value, wire{s->extent});
  c.fx.run();
  REQUIRE(removed.ok());
  REQUIRE(c.pieces_stored() == 0);
}

TEST_CASE(
  "random failures: an acknowledged upload is readable with any two of its five nodes gone, within what is missing") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    std::mt19937_64 random{seed};
    session_limits limits;
    limits.suspicion = 0ms;
    mock_cluster c{5 + random() % 3, limits};
    for (auto& [name, script] : c.scripts) {
      auto dice = random() % 10;
      if (dice == 0) script->on_append = ec::io_error;
      if (dice == 1) script->on_append = ec::timeout;
      if (dice == 2) script->on_sync = ec::io_error;
      if (dice == 3) script->on_sync = ec::timeout;
    }
    auto content = content_of(seed, random() % 1500);
    auto s = c.upload(content, rs32);
    INFO("seed " << seed);
    if (!s) {
      REQUIRE((s.error().code == ec::unavailable));
      continue;
    }
    // The nodes that the record says nothing is missing on hold everything.
    for (auto& [name, script] : c.scripts) {
      bool gap = false;
      for (auto& m : s->repair.missing()) gap = gap || m.node() == name;
      if (gap)
        script->fail_all(ec::io_error);
      else
        script->heal();
    }
    REQUIRE(c.download(s->extent, 0, content.size()).value() == content);
  }
}
