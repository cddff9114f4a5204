#include "piece_volume.hpp"
#include "support/print_result.hpp"

#include <optional>
#include <set>
#include <vector>

using namespace troupe;

TEST_CASE("a scrub reads everything that was there when it began, once, in bounded steps, and names what is damaged") {
  volume v{31};
  auto s = v.open();
  constexpr std::uint64_t pieces = 80;
  for (std::uint64_t i = 0; i < pieces; ++i) REQUIRE(s->append({id_of(i), i, 1}, as_bytes(content_of(i, 300))));
  REQUIRE(sync(*s));
  auto round = s->begin_scrub();
  CHECK(round.bytes_total == s->count().live_bytes);
  v.files.flip_bit("shard/wal.segments/segment_1.wal", 64 + 64 + 10, 0); // in the first piece
  std::vector<piece_key> found;
  int steps = 0;
  while (!round.over) {
    auto damaged = s->scrub(round, 2000);
    REQUIRE(damaged);
    for (auto& d : *damaged) {
      CHECK(d.what.code == ec::corrupt);
      found.push_back(d.key);
    }
    ++steps;
    REQUIRE(steps < 1000);
    if (steps < 20) // later than the round: not part of it
      REQUIRE(s->append({id_of(1000 + static_cast<std::uint64_t>(steps)), 0, 0}, as_bytes(content_of(1, 300))));
  }
  CHECK(steps >= 13); // 80 records of 368 bytes
  CHECK(steps <= 16);
  CHECK(found == std::vector{piece_key{id_of(0), 0, 1}});
  CHECK(round.bytes_done <= round.bytes_total);
}

TEST_CASE("a scrub goes on while compaction moves pieces and removals take them") {
  volume v{32};
  auto s = v.open();
  for (std::uint64_t i = 0; i < 100; ++i) REQUIRE(s->append({id_of(i), 0, 0}, as_bytes(content_of(i, 300))));
  REQUIRE(sync(*s));
  auto round = s->begin_scrub();
  for (std::uint64_t i = 0; !round.over; ++i) {
    REQUIRE(i < 1000);
    auto damaged = s->scrub(round, 1000);
    REQUIRE(damaged);
    CHECK(damaged->empty());
    if (i % 100 != 7) REQUIRE(s->remove(id_of(i % 100)));
    if (i % 5 == 0) REQUIRE(checkpoint(*s));
    auto progress = s->compact(1000, {});
    REQUIRE(progress);
    if (*progress == piece_store::compaction::wants_sync) REQUIRE(sync(*s));
  }
  REQUIRE(s->check());
}

TEST_CASE("an empty store has nothing to scrub and no ids") {
  volume v{33};
  auto s = v.open();
  auto round = s->begin_scrub();
  auto damaged = s->scrub(round, 1000);
  REQUIRE(damaged);
  CHECK(damaged->empty());
  CHECK(round.over);
  CHECK(s->ids({}, 10)->empty());
}

TEST_CASE("ids come in order, each once, whatever their bytes") {
  volume v{34};
  auto s = v.open();
  std::set<data_id> all;
  std::mt19937_64 random{34};
  for (int i = 0; i < 60; ++i) {
    data_id id;
    for (auto& b : id.raw) b = static_cast<std::byte>(random() % 3 == 0 ? 0xff : random());
    if (i == 0) id.raw.fill(std::byte{0xff});
    if (i == 1) id.raw.fill(std::byte{0});
    all.insert(id);
    for (std::uint64_t stripe : {std::uint64_t{0}, std::uint64_t{5}, ~std::uint64_t{0}})
      REQUIRE(s->append({id, stripe, 255}, as_bytes("x")));
    if (i % 20 == 19) REQUIRE(checkpoint(*s));
  }
  std::vector<data_id> found;
  for (std::optional<data_id> after;;) {
    auto page = s->ids(after, 7);
    REQUIRE(page);
    if (page->empty()) break;
    found.insert(found.end(), page->begin(), page->end());
    after = page->back();
  }
  CHECK(found == std::vector<data_id>(all.begin(), all.end()));
}
