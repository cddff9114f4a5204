#include "actors/directory_drainer.hpp"

#include "core/tables.hpp"
#include "support/actor_fixture.hpp"
#include "support/model_metadata.hpp"
#include "support/print_result.hpp"

#include <caf/all.hpp>

#include <set>

using namespace troupe;
using namespace std::chrono_literals;

namespace {

class manual_clock final : public wall_clock {
public:
  unix_ms now() const override { return 1'000'000; }
};
class counting_entropy final : public entropy {
public:
  void fill(bytes_span to) override {
    for (auto& b : to) b = static_cast<std::byte>(n_ += 101);
  }

private:
  unsigned n_ = 0;
};

struct drainer_fixture {
  actor_fixture fx;
  manual_clock clock;
  counting_entropy random;
  std::shared_ptr<state> rows = std::make_shared<state>(make_memory_base());
  metadata_actor metadata = fx.own(fx.system.spawn(model_metadata, rows, nullptr));
  std::set<std::string> all;

  directory_drainer_actor start() {
    directory_drainer_options o;
    o.metadata = metadata;
    o.clock = &clock;
    o.random = &random;
    o.keys_per_step = 7;
    return fx.own(fx.system.spawn(directory_drainer, o));
  }
  void set_layout(const directory_layout& layout) { rows->put(directory_layout::row_key(), layout.row()); }
  void fill(const directory_layout& layout, int keys) {
    for (int i = 0; i < keys; ++i) {
      const auto key = "key/" + std::to_string(i);
      pb::object_record record;
      record.set_inlined(i % 3 != 0);
      const auto name = object_key(layout.home_of(key), key);
      rows->put(tables::object(directory_bucket, name), record.SerializeAsString());
      if (record.inlined()) rows->put(tables::inline_content(directory_bucket, name), "value of " + key);
      all.insert(key);
    }
  }
  directory_layout layout() { return *directory_layout::parse(**rows->get(directory_layout::row_key())); }
  // Every key is in the home that the layout says, with its content, and there is nothing else.
  void check_settled(std::uint32_t buckets) {
    const auto now = layout();
    CHECK(now.buckets() == buckets);
    CHECK_FALSE(now.moving());
    std::set<std::string> found;
    auto at = rows->scan().value();
    const auto prefix = tables::object(directory_bucket, {});
    REQUIRE(at->seek(prefix));
    for (; at->valid() && at->key().starts_with(prefix);) {
      const auto name = std::string{tables::key_of_object(at->key(), directory_bucket.size())};
      const auto placed = parse_object_key(name);
      REQUIRE(placed);
      CHECK(placed->where == now.home_of(placed->key));
      pb::object_record record;
      REQUIRE(record.ParseFromString(std::string{at->value()}));
      CHECK(rows->get(tables::inline_content(directory_bucket, name))->has_value() == record.inlined());
      found.insert(std::string{placed->key});
      REQUIRE(at->next());
    }
    CHECK(found == all);
  }
};

} // namespace

TEST_CASE("after a resize every key is moved home, in both directions, and the epoch before ends") {
  drainer_fixture d;
  directory_layout layout;
  d.fill(layout, 200);
  const auto drainer = d.start();
  for (const std::uint32_t buckets : {9u, 4u, 1u, 6u}) {
    layout = *layout.settled().resized(buckets);
    d.set_layout(layout);
    REQUIRE(d.fx.run_until([&] { return !d.layout().moving(); }));
    d.check_settled(buckets);
  }
  auto moved = d.fx.ask<std::uint64_t>(drainer, status_atom::value);
  d.fx.run();
  CHECK(moved.value() == 800);
}

TEST_CASE("one that was killed in the middle is followed by one that ends the work") {
  drainer_fixture d;
  d.fill(directory_layout{}, 200);
  d.set_layout(*directory_layout{}.resized(5));
  auto first = d.start();
  d.fx.advance(50ms);
  REQUIRE(d.layout().moving());
  caf::anon_send_exit(first, caf::exit_reason::kill);
  d.fx.run();
  const auto left = [&] {
    auto at = d.rows->scan().value();
    const auto prefix = drain_prefix(d.layout());
    REQUIRE(at->seek(prefix));
    return at->valid() && at->key().starts_with(prefix);
  };
  REQUIRE(left());
  d.start();
  REQUIRE(d.fx.run_until([&] { return !d.layout().moving(); }));
  d.check_settled(5);
}

TEST_CASE("several drainers move each key once") {
  const auto seed = GENERATE(1u, 2u, 3u);
  std::mt19937_64 random{seed};
  drainer_fixture d;
  d.fill(directory_layout{}, 150);
  d.set_layout(*directory_layout{}.resized(3));
  std::vector<directory_drainer_actor> all{d.start(), d.start(), d.start()};
  for (int i = 0; i < 2000 && d.layout().moving(); ++i) {
    d.fx.run_random(random);
    d.fx.scheduler.advance_time(5ms);
  }
  d.check_settled(3);
  std::uint64_t moved = 0;
  for (const auto& one : all) {
    auto n = d.fx.ask<std::uint64_t>(one, status_atom::value);
    d.fx.run();
    moved += n.value();
  }
  CHECK(moved == 150);
}

TEST_CASE("without a directory, and when nothing moves, a drainer only looks") {
  drainer_fixture d;
  d.start();
  d.fx.advance(10s);
  CHECK_FALSE(d.rows->get(directory_layout::row_key())->has_value());
  d.set_layout(directory_layout{});
  d.fill(directory_layout{}, 10);
  d.fx.advance(10s);
  d.check_settled(2);
}

TEST_CASE("a damaged key stays where it is, the others move, and nothing spins") {
  drainer_fixture d;
  d.fill(directory_layout{}, 50);
  d.rows->erase(tables::inline_content(directory_bucket, object_key(directory_layout{}.home_of("key/1"), "key/1")));
  d.set_layout(*directory_layout{}.resized(3));
  const auto drainer = d.start();
  d.fx.advance(5s);
  CHECK(d.layout().moving());
  auto moved = d.fx.ask<std::uint64_t>(drainer, status_atom::value);
  d.fx.run();
  CHECK(moved.value() == 49);
}
