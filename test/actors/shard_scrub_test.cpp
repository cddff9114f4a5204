// What a shard says of all that it has: which data ids, and whether it can still be read.
#include "actors/shard.hpp"
#include "actors/syncer.hpp"
#include "support/mock_cluster.hpp"
#include "support/node_volume.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <set>
#include <vector>

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;

namespace {

wire<pb::piece_id> piece(char id, std::uint64_t stripe, std::uint32_t number) {
  pb::piece_id p;
  p.set_data_id(std::string(16, id));
  p.set_stripe(stripe);
  p.set_piece(number);
  return wire{p};
}

class set_clock final : public wall_clock {
public:
  unix_ms now() const override { return at; }
  unix_ms at = 1'800'000'000'000;
};

struct shard_fixture : actor_fixture {
  shard_actor start() {
    auto o = volume.options("n");
    o.syncer = own(spawn_syncer(system, false));
    o.worker = own(spawn_worker(system, false));
    o.clock = &clock;
    if (scrub_bytes_per_second != 0) {
      o.scrub_bytes_per_second = scrub_bytes_per_second;
      o.scrub_step_bytes = 4 << 10;
      o.scrub_interval = 10min;
    }
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
  shard_actor restart(const shard_actor& before) {
    caf::anon_send_exit(before, caf::exit_reason::user_shutdown);
    run();
    return start();
  }
  void fill(const shard_actor& s, std::uint64_t pieces) {
    for (std::uint64_t i = 0; i < pieces; ++i)
      ask(s, append_atom::value, piece(static_cast<char>(i), 0, 0), chunk::copy_of(content_of(i, 1000)));
    auto sync = ask(s, sync_atom::value);
    run();
    REQUIRE(sync.ok());
  }
  node_volume volume{1};
  set_clock clock;
  std::uint64_t scrub_bytes_per_second = 0; // 0: as ever
};

} // namespace

TEST_CASE("a shard lists the data ids that it has pieces of, by pages") {
  shard_fixture fx;
  auto s = fx.start();
  for (std::uint64_t i = 0; i < 7; ++i)
    for (std::uint32_t n = 0; n < 3; ++n)
      fx.ask(s, append_atom::value, piece(static_cast<char>(i), n, n), chunk::copy_of("bytes"));
  fx.run();
  auto page = [&](const std::string& after, std::uint32_t limit) {
    pb::held_request what;
    what.set_after(after);
    what.set_limit(limit);
    auto a = fx.ask<wire<pb::held_page>>(s, list_atom::value, wire{what});
    fx.run();
    return a;
  };
  std::vector<std::string> found;
  for (std::string after;;) {
    auto p = page(after, 3).value();
    found.insert(found.end(), p->ids().begin(), p->ids().end());
    if (!p->more()) break;
    after = found.back();
  }
  CHECK(found.size() == 7);
  CHECK(std::is_sorted(found.begin(), found.end()));
  CHECK(std::set<std::string>(found.begin(), found.end()).contains(piece(6, 0, 0)->data_id()));
  auto gone = fx.ask(s, remove_atom::value, data_id::from_bytes(std::string(16, 3)));
  fx.run();
  REQUIRE(gone.ok());
  CHECK(page("", 4096).value()->ids_size() == 6);
  CHECK(page("", 0).code() == ec::bad_argument);
  CHECK(page("", 4097).code() == ec::bad_argument);
  CHECK(page("short", 5).code() == ec::bad_argument);
}

TEST_CASE("a scrub finds damage in what nobody reads; it counts as missing until it is written anew") {
  shard_fixture fx;
  auto s = fx.start();
  for (std::uint64_t i = 0; i < 40; ++i)
    fx.ask(s, append_atom::value, piece(static_cast<char>(i), 0, 0), chunk::copy_of(content_of(i, 1000)));
  auto sync = fx.ask(s, sync_atom::value);
  fx.run();
  REQUIRE(sync.ok());
  fx.volume.files->flip_bit("shard/wal.segments/segment_1.wal", 5000, 3);
  fx.advance(30s);
  CHECK(fx.status(s).damaged_pieces() == 0); // it has not begun
  fx.advance(40s);
  auto found = fx.status(s);
  CHECK(found.damaged_pieces() == 1);
  CHECK(found.scrub_damaged() == 1);
  CHECK(found.scrub_rounds() == 1);
  for (std::uint64_t i = 0; i < 40; ++i)
    fx.ask(s, append_atom::value, piece(static_cast<char>(i), 0, 0), chunk::copy_of(content_of(i, 1000)));
  fx.run();
  CHECK(fx.status(s).damaged_pieces() == 0);
  fx.advance(caf::timespan{1h}, 1min);
  CHECK(fx.status(s).scrub_rounds() == 1); // the next one is a week away
}

TEST_CASE("a scrub goes on at its rate, says how far it is, and begins again after its interval") {
  shard_fixture fx;
  fx.scrub_bytes_per_second = 4 << 10;
  auto s = fx.start();
  for (std::uint64_t i = 0; i < 100; ++i)
    fx.ask(s, append_atom::value, piece(static_cast<char>(i), 0, 0), chunk::copy_of(content_of(i, 1000)));
  fx.run();
  fx.advance(70s); // ten seconds of it
  auto half = fx.status(s);
  CHECK(half.scrub_rounds() == 0);
  CHECK(half.scrub_bytes_total() > 100'000);
  CHECK(half.scrub_bytes_done() > 30'000);
  CHECK(half.scrub_bytes_done() < 60'000);
  CHECK(half.scrub_seconds_left() > 8);
  CHECK(half.scrub_seconds_left() < 25);
  fx.advance(30s);
  CHECK(fx.status(s).scrub_rounds() == 1);
  CHECK(fx.status(s).scrub_bytes_total() == 0); // between rounds
  fx.advance(caf::timespan{15min}, 1s);
  CHECK(fx.status(s).scrub_rounds() == 2);
}

TEST_CASE("a scrub goes on after a restart where it was, within a minute") {
  shard_fixture fx;
  fx.scrub_bytes_per_second = 512;
  auto s = fx.start();
  fx.fill(s, 100); // some 200 seconds
  fx.advance(190s);
  auto before = fx.status(s);
  REQUIRE(before.scrub_bytes_done() > 50'000);
  s = fx.restart(s);
  auto after = fx.status(s);
  CHECK(after.scrub_bytes_done() <= before.scrub_bytes_done());
  CHECK(after.scrub_bytes_done() + 61 * 512 + 8192 > before.scrub_bytes_done());
  CHECK(after.scrub_bytes_total() == before.scrub_bytes_total());
  CHECK(after.scrub_seconds_left() < 200);
  fx.advance(200s); // the delay, and what was left
  CHECK(fx.status(s).scrub_rounds() == 1);
}

TEST_CASE("a round that has ended is not begun again by a restart, but when it is due") {
  shard_fixture fx;
  fx.scrub_bytes_per_second = 1 << 20;
  auto s = fx.start();
  fx.fill(s, 20);
  fx.advance(90s);
  REQUIRE(fx.status(s).scrub_rounds() == 1);
  fx.clock.at += 60'000;
  s = fx.restart(s);
  fx.advance(caf::timespan{8min}, 1s);
  CHECK(fx.status(s).scrub_rounds() == 0);
  fx.clock.at += 8 * 60'000;
  s = fx.restart(s);
  fx.advance(90s);
  CHECK(fx.status(s).scrub_rounds() == 1);
}

TEST_CASE("damage that was not repaired is found again after a restart") {
  shard_fixture fx;
  fx.scrub_bytes_per_second = 1 << 20;
  auto s = fx.start();
  fx.fill(s, 40);
  fx.volume.files->flip_bit("shard/wal.segments/segment_1.wal", 5000, 3);
  fx.advance(90s);
  REQUIRE(fx.status(s).scrub_rounds() == 1);
  REQUIRE(fx.status(s).damaged_pieces() == 1);
  s = fx.restart(s);
  CHECK(fx.status(s).damaged_pieces() == 0);
  fx.advance(90s);
  CHECK(fx.status(s).damaged_pieces() == 1);
  fx.fill(s, 40); // written anew
  CHECK(fx.status(s).damaged_pieces() == 0);
  fx.advance(90s);
  s = fx.restart(s);
  fx.advance(90s);
  CHECK(fx.status(s).scrub_rounds() == 0); // nothing is left to be found
}

TEST_CASE("a note of the scrub that makes no sense is not believed") {
  shard_fixture fx;
  fx.scrub_bytes_per_second = 1 << 20;
  auto s = fx.start();
  fx.fill(s, 20);
  fx.advance(90s);
  REQUIRE(fx.status(s).scrub_rounds() == 1);
  REQUIRE(!fx.volume.files->content("scrub").empty());
  fx.volume.files->flip_bit("scrub", 9, 0);
  s = fx.restart(s);
  fx.advance(90s);
  CHECK(fx.status(s).scrub_rounds() == 1);
}
