// The event log: bounded, numbered without gaps, and honest about what a slow reader missed.

#include "core/event_log.hpp"

#include <catch2/catch.hpp>

using namespace troupe;

namespace {

struct fixed_clock final : wall_clock {
  unix_ms now() const override { return 1'000; }
};

std::vector<std::string> texts(const event_log::page& p) {
  std::vector<std::string> out;
  for (auto& e : p.events) out.push_back(e.text);
  return out;
}

} // namespace

TEST_CASE("a reader gets every event once, in order, by asking after the last one") {
  fixed_clock clock;
  event_log log{clock};
  CHECK(log.last() == 0);
  CHECK(log.after(0, 10).events.empty());
  for (auto* text : {"one", "two", "three"}) log.add("member", "node-1", text);
  auto first = log.after(0, 2);
  CHECK(texts(first) == std::vector<std::string>{"one", "two"});
  CHECK(first.events[0].number == 1);
  CHECK(first.events[0].at == 1'000);
  auto second = log.after(first.last, 2);
  CHECK(texts(second) == std::vector<std::string>{"three"});
  CHECK(second.lost == 0);
  CHECK(log.after(second.last, 2).events.empty());
  CHECK(log.after(second.last, 2).last == 3);
}

TEST_CASE("what the log has no room for is counted as lost") {
  fixed_clock clock;
  event_log log{clock, 4};
  for (int i = 1; i <= 10; ++i) log.add("member", {}, std::to_string(i));
  auto p = log.after(2, 100);
  CHECK(p.lost == 4); // 3 to 6
  CHECK(texts(p) == std::vector<std::string>{"7", "8", "9", "10"});
  CHECK(log.after(6, 100).lost == 0);
  CHECK(log.after(9, 100).lost == 0);
}

TEST_CASE("a number of an earlier life begins anew") {
  fixed_clock clock;
  event_log log{clock};
  log.add("member", {}, "one");
  CHECK(texts(log.after(500, 10)) == std::vector<std::string>{"one"});
}

TEST_CASE("a long text is cut") {
  fixed_clock clock;
  event_log log{clock};
  log.add("damage", {}, std::string(10'000, 'x'));
  CHECK(log.after(0, 1).events[0].text.size() == event_log::text_bytes_max);
}

TEST_CASE("only so many watch at a time, and each makes room again") {
  fixed_clock clock;
  event_log log{clock};
  CHECK_FALSE(log.watched());
  {
    std::vector<event_log::watcher> all;
    for (int i = 0; i < event_log::watchers_max; ++i) all.push_back(std::move(*log.watch()));
    CHECK(log.watched());
    CHECK_FALSE(log.watch());
  }
  CHECK_FALSE(log.watched());
  CHECK(log.watch());
}
