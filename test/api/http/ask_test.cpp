// Coroutines that ask actors. One io_context, run by the test's thread; the actors are CAF's, on its threads.
#include "api/http/ask.hpp"

#include "actors/interfaces.hpp"
#include "api/http/tokens.hpp"

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/response_promise.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <catch2/catch.hpp>

#include <functional>
#include <optional>
#include <vector>

using namespace troupe;
using namespace troupe::http;
using namespace std::chrono_literals;

namespace {

using double_atom = caf::atom_constant<caf::atom("double")>;
using fail_atom = caf::atom_constant<caf::atom("fail")>;
using void_atom = caf::atom_constant<caf::atom("void")>;
using never_atom = caf::atom_constant<caf::atom("never")>;
using release_atom = caf::atom_constant<caf::atom("release")>;
using throw_atom = caf::atom_constant<caf::atom("throw")>;
using count_atom = caf::atom_constant<caf::atom("count")>;

using tester_actor = caf::typed_actor<caf::replies_to<double_atom, std::uint64_t>::with<std::uint64_t>,
  caf::replies_to<fail_atom>::with<chunk>, caf::replies_to<void_atom>::with<void>,
  // Answers when released, or never.
  caf::replies_to<never_atom>::with<std::uint64_t>, caf::replies_to<throw_atom>::with<void>,
  caf::replies_to<count_atom>::with<std::uint64_t>, caf::reacts_to<release_atom>>;

struct tester_state {
  tester_state() = default; // no aggregate: CAF would initialise it from the actor
  std::vector<caf::response_promise> held;
  std::uint64_t requests = 0;
};

tester_actor::behavior_type tester(tester_actor::stateful_pointer<tester_state> self) {
  return {
    [self](double_atom, std::uint64_t x) {
      ++self->state.requests;
      return 2 * x;
    },
    [](fail_atom) -> caf::result<chunk> { return to_caf(fail(ec::no_such_key, "key k")); },
    [](void_atom) -> caf::result<void> { return caf::unit; },
    [self](never_atom) -> caf::result<std::uint64_t> {
      self->state.held.push_back(self->make_response_promise());
      return caf::delegated<std::uint64_t>{};
    },
    [](throw_atom) -> caf::result<void> { throw std::runtime_error{"thrown"}; },
    [self](count_atom) { return self->state.requests; },
    [self](release_atom) {
      for (auto& p : self->state.held) p.deliver(std::uint64_t{7});
      self->state.held.clear();
    },
  };
}

struct ask_fixture {
  asio::io_context io{1}; // first: actors may answer until the system has ended
  struct config : caf::actor_system_config {
    config() {
      set("scheduler.policy", caf::atom("sharing"));
      set("scheduler.max-threads", std::size_t{2});
      set("scheduler.max-throughput", std::size_t{50});
    }
  } cfg;
  caf::actor_system system{cfg};
  std::optional<actor_bridge> bridge{std::in_place, system, io};
  tester_actor target = system.spawn(tester);

  ~ask_fixture() {
    bridge.reset();
    caf::anon_send_exit(target, caf::exit_reason::user_shutdown);
  }

  // Runs one coroutine to its end.
  void run(std::function<task<>()> f) {
    bool done = false;
    std::exception_ptr thrown;
    asio::co_spawn(io, f(), [&](std::exception_ptr e) {
      thrown = e;
      done = true;
    });
    io.restart();
    while (!done && io.run_one_for(10s) != 0) {}
    REQUIRE(done);
    if (thrown) std::rethrow_exception(thrown);
  }
};

} // namespace

TEST_CASE_METHOD(ask_fixture, "ask returns an actor's value") {
  run([&]() -> task<> {
    auto r = co_await ask<std::uint64_t>(*bridge, target, 5s, double_atom::value, std::uint64_t{21});
    CHECK(r.value() == 42);
    auto v = co_await ask<void>(*bridge, target, 5s, void_atom::value);
    CHECK(v.has_value());
    CHECK(bridge->outstanding() == 0);
  });
}

TEST_CASE_METHOD(ask_fixture, "ask returns an actor's error with code and message") {
  run([&]() -> task<> {
    auto r = co_await ask<chunk>(*bridge, target, 5s, fail_atom::value);
    CHECK(r.error() == fail(ec::no_such_key, "key k"));
  });
}

TEST_CASE_METHOD(ask_fixture, "ask ends with a timeout when no answer comes, and a late answer is harmless") {
  run([&]() -> task<> {
    auto r = co_await ask<std::uint64_t>(*bridge, target, 20ms, never_atom::value);
    CHECK(r.error().code == ec::timeout);
    CHECK(bridge->outstanding() == 0);
    fire(*bridge, target, release_atom::value); // now it answers
    auto next = co_await ask<std::uint64_t>(*bridge, target, 5s, double_atom::value, std::uint64_t{1});
    CHECK(next.value() == 2);
  });
}

TEST_CASE_METHOD(ask_fixture, "ask of no actor, a dead one, or one that dies is unavailable") {
  run([&]() -> task<> {
    tester_actor none;
    auto a = co_await ask<std::uint64_t>(*bridge, none, 5s, double_atom::value, std::uint64_t{1});
    CHECK(a.error().code == ec::unavailable);
    fire(*bridge, none, release_atom::value); // dropped
    auto dying = system.spawn(tester);
    auto b = co_await ask<void>(*bridge, dying, 5s, throw_atom::value);
    CHECK(!b.has_value());
    auto c = co_await ask<std::uint64_t>(*bridge, dying, 5s, double_atom::value, std::uint64_t{1});
    CHECK(c.error().code == ec::unavailable);
  });
}

TEST_CASE_METHOD(ask_fixture, "an answer of another type is an internal error") {
  run([&]() -> task<> {
    auto untyped = caf::actor_cast<caf::actor>(target);
    auto r = co_await ask<chunk>(*bridge, untyped, 5s, double_atom::value, std::uint64_t{1});
    CHECK(r.error().code == ec::internal);
    auto unknown = co_await ask<chunk>(*bridge, untyped, 5s, std::string{"what?"});
    CHECK(unknown.error().code == ec::internal);
  });
}

TEST_CASE_METHOD(ask_fixture, "ten thousand asks wait at once") {
  constexpr std::size_t n = 10'000;
  std::size_t answered = 0, right = 0;
  auto one = [&](std::uint64_t i) -> task<> {
    auto r = co_await ask<std::uint64_t>(*bridge, target, 60s, never_atom::value);
    if (r && *r == 7) ++right;
    (void)i;
    ++answered;
  };
  for (std::size_t i = 0; i < n; ++i) asio::co_spawn(io, one(i), asio::detached);
  io.poll();
  CHECK(bridge->outstanding() == n);
  fire(*bridge, target, release_atom::value);
  while (answered < n && io.run_one_for(10s) != 0) {}
  CHECK(answered == n);
  CHECK(right == n);
}

TEST_CASE_METHOD(ask_fixture, "asks that nobody answers all end at their deadline") {
  constexpr std::size_t n = 1'000;
  std::size_t timed_out = 0;
  auto one = [&]() -> task<> {
    auto r = co_await ask<std::uint64_t>(*bridge, target, 30ms, never_atom::value);
    if (!r && r.error().code == ec::timeout) ++timed_out;
  };
  for (std::size_t i = 0; i < n; ++i) asio::co_spawn(io, one(), asio::detached);
  while (timed_out < n && io.run_one_for(10s) != 0) {}
  CHECK(timed_out == n);
}

TEST_CASE_METHOD(ask_fixture, "fail_all ends every ask with the given error") {
  std::vector<result<std::uint64_t>> ended;
  auto one = [&]() -> task<> {
    auto r = co_await ask<std::uint64_t>(*bridge, target, 60s, never_atom::value);
    ended.push_back(std::move(r));
  };
  for (int i = 0; i < 3; ++i) asio::co_spawn(io, one(), asio::detached);
  io.poll();
  bridge->fail_all(fail(ec::closed, "stopping"));
  io.restart();
  io.poll();
  REQUIRE(ended.size() == 3);
  for (auto& r : ended) CHECK(r.error().code == ec::closed);
}

TEST_CASE_METHOD(ask_fixture, "a bridge that closes ends what waits, and what is asked later") {
  std::vector<ec> seen;
  auto one = [&]() -> task<> {
    auto first = co_await ask<std::uint64_t>(*bridge, target, 60s, never_atom::value);
    seen.push_back(first.error().code);
    auto second = co_await ask<std::uint64_t>(*bridge, target, 60s, never_atom::value);
    seen.push_back(second.error().code);
  };
  asio::co_spawn(io, one(), asio::detached);
  io.poll();
  CHECK(bridge->outstanding() == 1);
  bridge->close();
  CHECK(seen == std::vector{ec::closed, ec::closed});
  fire(*bridge, target, release_atom::value); // still leaves; its answers go nowhere
}

TEST_CASE_METHOD(
  ask_fixture, "a coroutine that is unwound with its io_context can still send through a closed bridge") {
  struct last_message {
    actor_bridge& through;
    tester_actor to;
    ~last_message() { fire(through, to, double_atom::value, std::uint64_t{1}); }
  };
  auto own_io = std::make_unique<asio::io_context>(1);
  actor_bridge own{system, *own_io};
  auto forever = [&]() -> task<> {
    last_message at_end{own, target};
    asio::basic_waitable_timer<steady, asio::wait_traits<steady>, executor> t{*own_io, steady::time_point::max()};
    co_await t.async_wait(tuple_task);
  };
  asio::co_spawn(*own_io, forever(), asio::detached);
  own_io->poll();
  own.close();
  own_io.reset();
  run([&]() -> task<> {
    auto r = co_await ask<std::uint64_t>(*bridge, target, 5s, count_atom::value);
    CHECK(r.value() == 1);
  });
}
