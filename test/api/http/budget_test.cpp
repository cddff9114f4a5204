#include "api/http/budget.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <catch2/catch.hpp>

#include <optional>
#include <vector>

using namespace troupe;
using namespace troupe::http;
using namespace std::chrono_literals;

namespace {

struct budget_fixture {
  asio::io_context io{1};
  budget b{io, 100, 3};
  std::vector<std::optional<result<budget::hold>>> got = std::vector<std::optional<result<budget::hold>>>(8);

  void ask_for(std::size_t who, std::uint64_t bytes, steady::duration limit = 1h) {
    asio::co_spawn(io, fetch(who, bytes, steady::now() + limit), asio::detached);
    io.poll();
    io.restart();
  }
  void run() {
    io.poll();
    io.restart();
  }
  bool has(std::size_t who) { return got[who] && got[who]->has_value(); }

private:
  task<> fetch(std::size_t who, std::uint64_t bytes, steady::time_point deadline) {
    auto r = co_await b.acquire(bytes, deadline);
    got[who].emplace(std::move(r));
  }
};

} // namespace

TEST_CASE_METHOD(budget_fixture, "a budget grants what is free, and takes it back with the hold") {
  ask_for(0, 60);
  ask_for(1, 40);
  CHECK(has(0));
  CHECK(has(1));
  CHECK(b.free_bytes() == 0);
  got[0].reset();
  CHECK(b.free_bytes() == 60);
  got[1]->value().shrink_to(10);
  CHECK(b.free_bytes() == 90);
  CHECK(got[1]->value().bytes() == 10);
  auto moved = std::move(got[1]->value());
  got[1].reset();
  CHECK(b.free_bytes() == 90);
  moved.release();
  CHECK(b.free_bytes() == 100);
}

TEST_CASE_METHOD(budget_fixture, "who waits for a budget is served in order, a small request not before a large one") {
  ask_for(0, 80);
  ask_for(1, 90);
  ask_for(2, 10);
  CHECK(b.waiting() == 2);
  CHECK(!got[2]);
  got[0].reset();
  run();
  CHECK(has(1));
  CHECK(has(2));
  CHECK(b.free_bytes() == 0);
}

TEST_CASE_METHOD(budget_fixture, "a full line is told to slow down") {
  ask_for(0, 100);
  for (std::size_t i = 1; i <= 3; ++i) ask_for(i, 1);
  ask_for(4, 1);
  REQUIRE(got[4]);
  CHECK(got[4]->error().code == ec::slow_down);
  CHECK(b.waiting() == 3);
}

TEST_CASE_METHOD(budget_fixture, "who waits past the deadline is told to slow down, and does not block the line") {
  ask_for(0, 50);
  ask_for(1, 60, 1ms);
  ask_for(2, 10);
  CHECK(!got[2]);
  while (!got[1]) io.run_one();
  CHECK(got[1]->error().code == ec::slow_down);
  io.restart();
  got[0].reset();
  run();
  CHECK(has(2));
  CHECK(b.free_bytes() == 90);
}

TEST_CASE_METHOD(budget_fixture, "more than the whole budget is refused at once") {
  ask_for(0, 101);
  CHECK(got[0]->error().code == ec::too_large);
}

TEST_CASE("coroutines that are destroyed while they wait for a budget leave nothing behind") {
  std::optional<budget> b;
  std::optional<budget::hold> first;
  {
    asio::io_context io{1};
    b.emplace(io, 100, 10);
    for (int i = 0; i < 3; ++i)
      asio::co_spawn(
        io,
        [](budget& of, std::optional<budget::hold>& keep) -> task<> {
          auto r = co_await of.acquire(100, steady::now() + 1h);
          if (r && !keep) keep.emplace(std::move(*r));
        }(*b, first),
        asio::detached);
    io.poll();
    CHECK(b->waiting() == 2);
  }
  CHECK(b->waiting() == 0);
  first.reset();
  CHECK(b->free_bytes() == 100);
}
