#include "actors/shard.hpp"
#include "actors/syncer.hpp"
#include "support/mock_cluster.hpp"
#include "support/node_volume.hpp"

#include <caf/result.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <catch2/catch.hpp>

#include <map>
#include <random>
#include <set>

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;

namespace {

wire<pb::piece_id> piece(std::uint64_t id, std::uint64_t stripe, std::uint32_t number) {
  pb::piece_id p;
  std::string raw(16, '\0');
  for (std::size_t i = 0; i < 8; ++i) raw[i] = static_cast<char>(id >> (8 * i));
  p.set_data_id(raw);
  p.set_stripe(stripe);
  p.set_piece(number);
  return wire{p};
}

data_id id_of(const wire<pb::piece_id>& p) { return data_id::from_bytes(p->data_id()); }

// A syncer that runs its tickets when the test says so.
struct slow_syncer {
  std::vector<std::pair<log_sync, reply<>>> tickets;
  std::uint64_t received = 0;
};
using stepped_syncer = syncer_actor::extend<caf::reacts_to<tick_atom>>;
stepped_syncer::behavior_type step_syncs(stepped_syncer::pointer self, const std::shared_ptr<slow_syncer>& s) {
  return {
    [=](sync_atom, const log_sync& ticket) -> caf::result<void> {
      ++s->received;
      reply<> done{self};
      s->tickets.emplace_back(ticket, done);
      return done.later();
    },
    [=](tick_atom) {
      if (s->tickets.empty()) return;
      auto [ticket, done] = std::move(s->tickets.front());
      s->tickets.erase(s->tickets.begin());
      done(ticket.run());
    },
  };
}

struct shard_fixture : actor_fixture {
  explicit shard_fixture(std::uint64_t seed = 1) : volume(seed) {}
  shard_actor start() {
    auto o = volume.options("n");
    o.syncer = syncer ? *syncer : own(spawn_syncer(system, false));
    o.worker = own(spawn_worker(system, false));
    auto s = spawn_shard(system, std::move(o));
    REQUIRE(s.has_value());
    run();
    return own(*s);
  }
  pb::shard_status status(const shard_actor& s) {
    auto a = ask<wire<pb::shard_status>>(s, status_atom::value);
    run();
    return *a.value();
  }
  node_volume volume;
  std::optional<syncer_actor> syncer;
};

} // namespace

TEST_CASE("a shard keeps what it was given, across a restart and a crash, once a sync was answered") {
  shard_fixture fx;
  auto s = fx.start();
  auto a = fx.ask(s, append_atom::value, piece(1, 2, 3), chunk::copy_of("bytes"));
  auto b = fx.ask(s, sync_atom::value);
  fx.run();
  REQUIRE(a.ok());
  REQUIRE(b.ok());
  fx.stop(s);
  fx.volume.files->crash();
  s = fx.start();
  auto got = fx.ask<chunk>(s, read_atom::value, piece(1, 2, 3));
  auto none = fx.ask<chunk>(s, read_atom::value, piece(1, 2, 4));
  fx.run();
  REQUIRE(got.value().text() == "bytes");
  REQUIRE(none.code() == ec::not_found);
}

TEST_CASE("a piece id that no client of ours would send is refused") {
  shard_fixture fx;
  auto s = fx.start();
  pb::piece_id bad;
  bad.set_data_id("short");
  auto a = fx.ask(s, append_atom::value, wire{bad}, chunk::copy_of("x"));
  auto b = fx.ask<chunk>(s, read_atom::value, wire{bad});
  auto c = fx.ask(s, append_atom::value, piece(1, 1, 300), chunk::copy_of("x"));
  auto d = fx.ask(s, append_atom::value, piece(1, 1, 1), chunk::copy_of(std::string((1 << 20) + 1, 'x')));
  fx.run();
  REQUIRE(a.code() == ec::bad_argument);
  REQUIRE(b.code() == ec::bad_argument);
  REQUIRE(c.code() == ec::bad_argument);
  REQUIRE(d.code() == ec::too_large);
}

TEST_CASE("syncs that come while one runs are answered together by the next one") {
  shard_fixture fx;
  auto syncs = std::make_shared<slow_syncer>();
  auto stepped = fx.own(fx.system.spawn(step_syncs, syncs));
  fx.syncer = stepped;
  auto s = fx.start();
  std::vector<answer<>> answers;
  for (std::uint32_t i = 0; i < 10; ++i) {
    auto a = fx.ask(s, append_atom::value, piece(1, 0, i), chunk::copy_of("x"));
    fx.run();
    REQUIRE(a.ok());
    answers.push_back(fx.ask(s, sync_atom::value));
    fx.run();
  }
  REQUIRE(syncs->received == 1);
  caf::anon_send(stepped, tick_atom::value);
  fx.run();
  REQUIRE(answers[0].ok());
  for (std::size_t i = 1; i < 10; ++i) REQUIRE_FALSE(answers[i].ready());
  REQUIRE(syncs->received == 2);
  caf::anon_send(stepped, tick_atom::value);
  fx.run();
  for (auto& a : answers) REQUIRE(a.ok());
  REQUIRE(syncs->received == 2);
}

TEST_CASE("after a failed sync a shard is read-only, says why, and confirms nothing any more") {
  shard_fixture fx;
  auto s = fx.start();
  auto a = fx.ask(s, append_atom::value, piece(1, 0, 0), chunk::copy_of("x"));
  fx.run();
  fx.volume.files->add_fault({.on = sim_fault::operation::sync, .path = "wal", .times = 1});
  auto sync = fx.ask(s, sync_atom::value);
  fx.run();
  REQUIRE_FALSE(sync.ok());
  auto again = fx.ask(s, sync_atom::value);
  auto more = fx.ask(s, append_atom::value, piece(1, 0, 1), chunk::copy_of("y"));
  auto read = fx.ask<chunk>(s, read_atom::value, piece(1, 0, 0));
  auto removed = fx.ask(s, remove_atom::value, id_of(piece(1, 0, 0)));
  fx.run();
  REQUIRE(again.code() == ec::closed);
  REQUIRE(more.code() == ec::closed);
  REQUIRE(read.value().text() == "x");
  REQUIRE(removed.code() == ec::closed);
  auto status = fx.status(s);
  REQUIRE_FALSE(status.writable());
  REQUIRE_FALSE(status.reason().empty());
}

TEST_CASE("syncs that wait while one fails fail too: a later success would not mean what they were promised") {
  shard_fixture fx;
  auto syncs = std::make_shared<slow_syncer>();
  auto stepped = fx.own(fx.system.spawn(step_syncs, syncs));
  fx.syncer = stepped;
  auto s = fx.start();
  fx.ask(s, append_atom::value, piece(1, 0, 0), chunk::copy_of("x"));
  auto first = fx.ask(s, sync_atom::value);
  fx.run();
  fx.ask(s, append_atom::value, piece(1, 0, 1), chunk::copy_of("y"));
  auto second = fx.ask(s, sync_atom::value);
  fx.run();
  fx.volume.files->add_fault({.on = sim_fault::operation::sync, .path = "wal", .times = 1});
  for (int i = 0; i < 2; ++i) {
    caf::anon_send(stepped, tick_atom::value);
    fx.run();
  }
  REQUIRE_FALSE(first.ok());
  REQUIRE(second.ready());
  REQUIRE_FALSE(second.ok());
}

TEST_CASE("a shard that ends answers who waits for a sync") {
  shard_fixture fx;
  auto syncs = std::make_shared<slow_syncer>();
  fx.syncer = fx.own(fx.system.spawn(step_syncs, syncs));
  auto s = fx.start();
  fx.ask(s, append_atom::value, piece(1, 0, 0), chunk::copy_of("x"));
  auto waits = fx.ask(s, sync_atom::value);
  fx.run();
  REQUIRE_FALSE(waits.ready());
  fx.stop(s);
  REQUIRE(waits.code() == ec::unavailable);
}

TEST_CASE("a shard whose syncer ends ends too, rather than to promise what it can not keep") {
  shard_fixture fx;
  auto syncer = fx.own(spawn_syncer(fx.system, false));
  fx.syncer = syncer;
  auto s = fx.start();
  fx.stop(syncer);
  auto a = fx.ask(s, append_atom::value, piece(1, 0, 0), chunk::copy_of("x"));
  fx.run();
  REQUIRE(a.code() == ec::unavailable);
}

TEST_CASE("a removal is confirmed when it is on disk, and the space comes back as time passes") {
  shard_fixture fx;
  auto s = fx.start();
  for (std::uint64_t i = 0; i < 100; ++i)
    fx.ask(s, append_atom::value, piece(i, 0, 0), chunk::copy_of(content_of(i, 1000)));
  fx.run();
  auto before = fx.status(s);
  REQUIRE(before.pieces() == 100);
  std::vector<answer<>> removed;
  for (std::uint64_t i = 0; i < 100; ++i)
    if (i % 7 != 0) removed.push_back(fx.ask(s, remove_atom::value, id_of(piece(i, 0, 0))));
  fx.run();
  for (auto& a : removed) REQUIRE(a.ok());
  fx.advance(20s);
  auto after = fx.status(s);
  REQUIRE(after.pieces() == 15);
  REQUIRE(after.log_bytes() < before.log_bytes() / 2);
  for (std::uint64_t i = 0; i < 100; i += 7) {
    auto got = fx.ask<chunk>(s, read_atom::value, piece(i, 0, 0));
    fx.run();
    REQUIRE(got.value().text() == content_of(i, 1000));
  }
  fx.stop(s);
  fx.volume.files->crash();
  s = fx.start();
  REQUIRE(fx.status(s).pieces() == 15); // what was confirmed as removed does not come back
}

TEST_CASE("damage in a segment is counted, and costs one piece") {
  shard_fixture fx;
  auto s = fx.start();
  for (std::uint64_t i = 0; i < 40; ++i)
    fx.ask(s, append_atom::value, piece(i, 0, 0), chunk::copy_of(content_of(i, 1000)));
  auto sync = fx.ask(s, sync_atom::value);
  fx.run();
  REQUIRE(sync.ok());
  fx.volume.files->flip_bit("shard/wal.segments/segment_1.wal", 5000, 3);
  int lost = 0;
  for (std::uint64_t i = 0; i < 40; ++i) {
    auto got = fx.ask<chunk>(s, read_atom::value, piece(i, 0, 0));
    fx.run();
    if (got.ok())
      REQUIRE(got.value().text() == content_of(i, 1000));
    else
      ++lost;
  }
  REQUIRE(lost == 1);
  REQUIRE(fx.status(s).damaged_records() == 1);
}

TEST_CASE("a shard says what it should hold and does not, or could not read, until that is written anew") {
  shard_fixture fx;
  auto s = fx.start();
  pb::extent extent;
  extent.set_data_id(piece(1, 0, 0)->data_id());
  extent.set_size(39'500); // 13 stripes of three pieces of 1000 bytes, and a short one
  extent.mutable_geometry()->set_k(3);
  extent.mutable_geometry()->set_m(2);
  extent.mutable_geometry()->set_piece_bytes(1000);
  auto& where = *extent.add_placements();
  for (auto* node : {"a", "n", "b", "c", "d"}) where.add_nodes(node);
  auto missing = [&] {
    auto a = fx.ask<wire<pb::repair_record>>(s, compare_atom::value, wire{extent});
    fx.run();
    std::set<std::uint64_t> stripes;
    for (auto& m : a.value()->missing()) {
      CHECK(m.piece() == 1);
      CHECK(m.node() == "n");
      stripes.insert(m.stripe());
    }
    return stripes;
  };
  auto write = [&](std::uint64_t stripe) {
    auto a = fx.ask(s, append_atom::value, piece(1, stripe, 1), chunk::copy_of(content_of(stripe, 1000)));
    fx.run();
    REQUIRE(a.ok());
  };
  CHECK(missing().size() == 14);
  for (std::uint64_t stripe = 0; stripe < 14; ++stripe)
    if (stripe != 5) write(stripe);
  for (std::uint64_t i = 0; i < 20; ++i) // closes the first segment
    fx.ask(s, append_atom::value, piece(2, i, 0), chunk::copy_of(content_of(i, 1000)));
  fx.run();
  CHECK(missing() == std::set<std::uint64_t>{5});
  fx.volume.files->flip_bit("shard/wal.segments/segment_1.wal", 5000, 3);
  for (std::uint64_t stripe = 0; stripe < 14; ++stripe) fx.ask<chunk>(s, read_atom::value, piece(1, stripe, 1));
  fx.run();
  auto found = missing();
  CHECK(found.size() == 2);
  for (auto stripe : found) write(stripe);
  CHECK(missing().empty());
}

TEST_CASE(
  "whatever the order of messages and wherever the disk dies, an answered sync covers what was appended before") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    std::mt19937_64 random{seed};
    shard_fixture fx{seed};
    std::map<std::uint64_t, std::string> durable; // by id, confirmed by a sync
    std::set<std::uint64_t> removed;              // confirmed
    for (int life = 0; life < 3; ++life) {
      auto s = fx.start();
      for (auto& [id, content] : durable) {
        auto got = fx.ask<chunk>(s, read_atom::value, piece(id, 0, 0));
        fx.run();
        INFO("seed " << seed << " life " << life << " id " << id);
        REQUIRE(got.value().text() == content);
      }
      for (auto id : removed) {
        auto got = fx.ask<chunk>(s, read_atom::value, piece(id, 0, 0));
        fx.run();
        REQUIRE(got.code() == ec::not_found);
      }
      fx.volume.files->power_off_after(random() % 400);
      std::vector<std::pair<std::map<std::uint64_t, std::string>, answer<>>> syncs;
      std::vector<std::pair<std::uint64_t, answer<>>> removals;
      std::map<std::uint64_t, std::string> appended;
      for (int i = 0; i < 150; ++i) {
        auto id = seed * 1'000'000 + static_cast<std::uint64_t>(life) * 1000 + random() % 300;
        switch (random() % 6) {
        case 0:
        case 1:
        case 2: {
          if (removed.contains(id) || appended.contains(id)) break;
          auto content = content_of(random(), 1 + random() % 2000);
          auto a = fx.ask(s, append_atom::value, piece(id, 0, 0), chunk::copy_of(content));
          fx.run_random(random);
          if (a.ok()) appended[id] = content;
          break;
        }
        case 3: syncs.emplace_back(appended, fx.ask(s, sync_atom::value)); break;
        case 4: {
          if (appended.empty()) break;
          auto victim = std::next(appended.begin(), static_cast<std::ptrdiff_t>(random() % appended.size()))->first;
          removed.insert(victim); // asked for: it may or may not happen
          appended.erase(victim);
          durable.erase(victim);
          for (auto& [covered, a] : syncs) covered.erase(victim);
          removals.emplace_back(victim, fx.ask(s, remove_atom::value, id_of(piece(victim, 0, 0))));
          break;
        }
        default: fx.advance(std::chrono::milliseconds{random() % 200});
        }
      }
      fx.run_random(random);
      for (auto& [covered, a] : syncs)
        if (a.ok()) durable.insert(covered.begin(), covered.end());
      for (auto& [id, a] : removals)
        if (!a.ok()) removed.erase(id);
      fx.stop(s);
      fx.volume.files->crash();
    }
  }
}
