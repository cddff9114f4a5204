#include "volumes/snapshot_keeper.hpp"

#include "support/print_result.hpp"
#include "volumes/volume_fixture.hpp"
#include "volumes/volume_provider.hpp"

#include <catch2/catch.hpp>

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;

namespace {

pb::snapshot_line line_of(const std::string& name, unix_ms made) {
  pb::snapshot_line line;
  line.set_name(name);
  line.set_made_ms(made);
  return line;
}

// In memory; fails while it is told to.
struct memory_store final : snapshot_store {
  result<pb::snapshot_line> make(volume&, const std::string& name, unix_ms now) override {
    if (failing) return fail(ec::io_error, "the disk says no");
    for (const auto& line : lines)
      if (line.name() == name) return fail(ec::conflict, "there is one");
    lines.push_back(line_of(name, now));
    return lines.back();
  }
  result<std::vector<pb::snapshot_line>> list(const volume&) override {
    ++lists;
    return lines;
  }
  result<> remove(const volume&, const std::string& name) override {
    std::erase_if(lines, [&](const auto& line) { return line.name() == name; });
    return {};
  }
  result<> order_restore(volume&, const std::string&) override { return {}; }
  std::vector<pb::snapshot_line> lines;
  bool failing = false;
  int lists = 0;
};

struct world {
  explicit world(std::chrono::milliseconds interval = 1h, std::uint32_t keep = 3) {
    v = volume_at(at.path(), clock);
    snapshot_keeper_options o;
    o.schedule.interval = interval;
    o.schedule.keep = keep;
    o.stores.emplace("v", store);
    o.clock = &wall;
    o.time = &clock;
    o.told = [this](const std::string&, const std::string& name, const error* why) {
      told.push_back(why == nullptr ? name : "failed: " + why->message);
    };
    keeper = std::make_unique<snapshot_keeper>(std::move(o), std::vector{v});
  }
  void hold() { v->hold(row_of("a", 1), lease_guard::for_ever); }
  void pass(std::chrono::milliseconds t) {
    clock.at += t;
    wall.at += t.count();
    keeper->tick();
  }
  temporary_directory at;
  set_clock clock;
  set_wall wall;
  std::shared_ptr<memory_store> store = std::make_shared<memory_store>();
  std::shared_ptr<volume> v;
  std::vector<std::string> told;
  std::unique_ptr<snapshot_keeper> keeper;
};

} // namespace

TEST_CASE("a regular snapshot's name is the time, and is a name that snapshots may have") {
  const auto name = snapshot_schedule::name_of(1'700'000'000'017);
  CHECK(name == "auto-20231114-221320-017");
  CHECK(is_volume_id(name));
  CHECK(snapshot_schedule::is_regular(name));
  CHECK_FALSE(snapshot_schedule::is_regular("before-upgrade"));
}

TEST_CASE("the primary makes a snapshot every interval, and keeps so many of them") {
  world w;
  w.pass(1s);
  CHECK(w.store->lines.empty()); // a backup makes none
  w.hold();
  w.pass(1s);
  REQUIRE(w.store->lines.size() == 1);
  for (int i = 0; i < 59; ++i) w.pass(1min);
  CHECK(w.store->lines.size() == 1);
  CHECK(w.store->lists == 1); // it is not looked at what is there all the time
  w.pass(1min);
  CHECK(w.store->lines.size() == 2);
  REQUIRE(w.keeper->make("v", "by-hand"));
  for (int i = 0; i < 10; ++i) w.pass(1h);
  REQUIRE(w.store->lines.size() == 4); // three, and the one that somebody asked for
  CHECK(w.store->lines.front().name() == "by-hand");
  CHECK(w.store->lines.back().made_ms() == w.wall.at);
  auto count = w.keeper->count("v");
  CHECK(count.made == 13);
  CHECK(count.failed == 0);
  CHECK(count.newest == w.wall.at);
  CHECK(w.told.size() == 12);
}

TEST_CASE("a new primary goes on where the last one stopped") {
  world w;
  w.store->lines.push_back(line_of(snapshot_schedule::name_of(w.wall.at), w.wall.at));
  w.hold();
  w.pass(20min);
  CHECK(w.store->lines.size() == 1);
  w.pass(39min);
  CHECK(w.store->lines.size() == 1);
  w.pass(1min);
  CHECK(w.store->lines.size() == 2);
}

TEST_CASE("one from the future is no reason to make one after the other") {
  world w;
  w.store->lines.push_back(line_of("auto-20990101-000000-000", w.wall.at + 1'000'000'000));
  w.hold();
  for (int i = 0; i < 30; ++i) w.pass(1min);
  CHECK(w.store->lines.size() == 2);
}

TEST_CASE("a regular snapshot that fails is told, counted and tried again, and no old one goes meanwhile") {
  world w{1h, 1};
  w.hold();
  w.pass(1s);
  REQUIRE(w.store->lines.size() == 1);
  w.store->failing = true;
  w.pass(1h);
  CHECK(w.told.back() == "failed: the disk says no");
  CHECK(w.keeper->count("v").failed == 1);
  for (int i = 0; i < 59; ++i) w.pass(1s);
  CHECK(w.keeper->count("v").failed == 1);
  w.pass(1s);
  CHECK(w.keeper->count("v").failed == 2);
  CHECK(w.store->lines.size() == 1);
  w.store->failing = false;
  w.pass(1min);
  REQUIRE(w.store->lines.size() == 1); // the new one
  CHECK(w.store->lines.front().made_ms() == w.wall.at);
}

TEST_CASE("without an interval there are no regular snapshots, and the newest one is known all the same") {
  world w{0ms};
  w.store->lines.push_back(line_of("by-hand", 777));
  w.hold();
  for (int i = 0; i < 5; ++i) w.pass(24h);
  CHECK(w.store->lines.size() == 1);
  CHECK(w.keeper->count("v").newest == 777);
  w.v->step_down();
  w.pass(1s);
  CHECK(w.keeper->count("v").newest == 0);
}

TEST_CASE("what is asked of snapshots is refused by a backup, and of a volume that is not there") {
  world w;
  CHECK(w.keeper->make("v", "x").error().code == ec::unavailable);
  CHECK(w.keeper->list("v").error().code == ec::unavailable);
  CHECK(w.keeper->remove("v", "x").error().code == ec::unavailable);
  CHECK(w.keeper->order_restore("v", "x").error().code == ec::unavailable);
  w.hold();
  CHECK(w.keeper->make("w", "x").error().code == ec::not_found);
  REQUIRE(w.keeper->make("v", "x"));
  CHECK(w.keeper->make("v", "x").error().code == ec::conflict);
  CHECK(w.keeper->count("v").failed == 0); // a mistake of who asked
}
