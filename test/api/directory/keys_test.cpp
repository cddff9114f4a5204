// The directory's keys over a real clustered_store, with a model of METADATA: several routers, resizes, keys on the move.
#include "api/directory/keys.hpp"

#include "api/objects/store_fixture.hpp"
#include "core/directory_drain.hpp"
#include "core/tables.hpp"

#include <map>
#include <random>

using namespace troupe;
using namespace troupe::test;
using namespace troupe::directory;

namespace {

struct directory_fixture : store_fixture {
  routing_table tables_of[2]; // of two coordinators: each learns of a resize by itself

  directory::rows make_rows() { return {bridge, metadata, clock}; }
  directory::keys router(std::size_t n) { return {tables_of[n], make_rows(), store}; }

  directory_layout layout() {
    auto now = run(make_rows().layout());
    REQUIRE(now);
    return *now;
  }
  bool put(std::size_t n, const std::string& key, const std::string& value) { // whether it was created
    auto keys = router(n);
    auto done = run(keys.put(key, value));
    REQUIRE(done);
    CHECK(done->home == layout().home_of(key));
    return done->created;
  }
  std::optional<std::string> get(std::size_t n, const std::string& key) {
    auto keys = router(n);
    auto done = run(keys.get(key));
    REQUIRE(done);
    return done->value;
  }
  std::optional<std::string> remove(std::size_t n, const std::string& key) {
    auto keys = router(n);
    auto done = run(keys.remove(key));
    REQUIRE(done);
    return done->value;
  }
  void resize(std::uint32_t buckets) { REQUIRE(run(make_rows().resize(buckets))); }

  // At most `most` keys; false when nothing was left, and the epoch before has ended.
  bool drain(std::uint32_t most) {
    const auto now = layout();
    if (!now.moving()) return false;
    auto page = run(make_rows().list(drain_prefix(now), {}, most));
    REQUIRE(page);
    if (page->entries_size() == 0) {
      REQUIRE(run(make_rows().commit(settle_batch(now)))->applied());
      return false;
    }
    std::vector<draining_row> some;
    for (const auto& e : page->entries()) {
      auto row = read_draining_row(e.key(), e.value());
      REQUIRE(row);
      if (row->inlined) row->content = **rows->get(row->inline_row_key);
      some.push_back(std::move(*row));
    }
    auto batch = drain_batch(now, some);
    REQUIRE(batch);
    REQUIRE(run(make_rows().commit(std::move(*batch)))->applied());
    return true;
  }
  std::size_t stored() { return rows_below(tables::object(directory_bucket, {})); }
};

} // namespace

TEST_CASE("the first request makes the directory: two buckets in a bucket that is not listed") {
  directory_fixture f;
  CHECK(f.get(0, "k") == std::nullopt);
  CHECK(f.layout() == directory_layout{});
  CHECK(f.run(f.store.bucket(std::string{directory_bucket})));
  auto all = f.run(f.store.list_buckets());
  REQUIRE(all);
  REQUIRE(all->size() == 1);
  CHECK(all->front().first == "bkt");
}

TEST_CASE("a router that has not heard of a resize reads and writes what is right") {
  directory_fixture f;
  f.put(0, "a", "1");
  f.put(1, "a", "2"); // both know the first layout
  f.resize(5);
  CHECK(f.get(1, "a") == "2");
  f.resize(5);
  CHECK_FALSE(f.put(0, "a", "3"));
  CHECK(f.stored() == 1);
  while (f.drain(10)) {}
  CHECK(f.put(1, "b", "x"));
  CHECK(f.remove(0, "a") == "3");
  CHECK(f.remove(1, "a") == std::nullopt);
  CHECK(f.stored() == 1);
}

TEST_CASE("a resize is refused while keys move") {
  directory_fixture f;
  f.put(0, "a", "1");
  f.resize(3);
  CHECK(f.run(f.make_rows().resize(4)).error().code == ec::conflict);
  while (f.drain(1)) {}
  CHECK(f.run(f.make_rows().resize(4)));
}

TEST_CASE("through resizes in both directions every answer is that of a plain map, whatever moves meanwhile") {
  const auto seed = GENERATE(1u, 2u, 3u, 4u, 5u, 6u);
  CAPTURE(seed);
  std::mt19937_64 random{seed};
  directory_fixture f;
  std::map<std::string, std::string> model;
  auto any = [&](std::uint64_t n) { return random() % n; };
  for (int step = 0; step < 400; ++step) {
    const auto key = "key/" + std::to_string(any(30));
    const auto known = model.contains(key) ? std::optional{model[key]} : std::nullopt;
    switch (any(10)) {
    case 0:
    case 1:
    case 2: {
      const auto value = std::to_string(step) + std::string(any(6) == 0 ? 20'000 : 3, 'v'); // large: on the nodes
      CHECK(f.put(any(2), key, value) == !known);
      model[key] = value;
      break;
    }
    case 3:
      CHECK(f.remove(any(2), key) == known);
      model.erase(key);
      break;
    case 4:
    case 5: f.drain(static_cast<std::uint32_t>(1 + any(3))); break;
    case 6:
      if (!f.layout().moving()) f.resize(static_cast<std::uint32_t>(1 + any(9)));
      break;
    default: CHECK(f.get(any(2), key) == known);
    }
    REQUIRE(f.stored() == model.size()); // no key is in two places
  }
  while (f.drain(3)) {}
  for (const auto& [key, value] : model) CHECK(f.get(0, key) == value);
  auto count = f.run(count_keys(f.make_rows(), epoch_prefix(f.layout().epoch())));
  REQUIRE(count);
  CHECK(count->total == model.size());
  for (const auto& [id, n] : count->by_bucket) {
    std::size_t belong = 0;
    for (const auto& [key, value] : model) belong += sha256_modulo(key, f.layout().buckets()) == id ? 1 : 0;
    CHECK(n == belong);
  }
}
