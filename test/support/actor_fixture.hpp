// actor_fixture: a CAF actor system whose scheduler is the test itself. Nothing runs, and no time passes, until a test
// says so; one thread, so a run is a function of the test and its seed. Detached and blocking actors do not belong here.
//
//   actor_fixture fx;
//   auto shard = fx.system.spawn(...);
//   auto a = fx.ask<chunk>(shard, read_atom::value, id);   // many may be in flight
//   fx.run();                                              // until nothing is runnable; time stands still
//   REQUIRE(a.ok());
#pragma once

#include "actors/messages.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/send.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <utility>
#include <vector>

namespace troupe {

// What a request came back with; empty until the scheduler got that far. Copies share the outcome.
template <class T = void>
class answer {
public:
  bool ready() const { return outcome_->has_value(); }
  bool ok() const { return ready() && (*outcome_)->has_value(); }
  const result<T>& outcome() const {
    REQUIRE(ready());
    return **outcome_;
  }
  // The answer itself; fails the test, with the error's text, when there is none.
  decltype(auto) value() const {
    INFO((outcome().has_error() ? outcome().error().message : std::string{}));
    REQUIRE(outcome().has_value());
    return outcome().value();
  }
  ec code() const { // of the error; fails the test when there is none
    REQUIRE(outcome().has_error());
    return outcome().error().code;
  }
  template <class... Us>
  void set(Us&&... value_or_error) {
    outcome_->emplace(std::forward<Us>(value_or_error)...);
  }

private:
  std::shared_ptr<std::optional<result<T>>> outcome_ = std::make_shared<std::optional<result<T>>>();
};

class actor_fixture {
  struct config : caf::actor_system_config {
    config() {
      register_messages(*this);
      set("scheduler.policy", caf::atom("testing"));
      set("middleman.network-backend", caf::atom("testing")); // harmless without a middleman
    }
  };
  config config_;

public:
  caf::actor_system system{config_};
  caf::scheduler::test_coordinator& scheduler = dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());

  actor_fixture() { system.await_actors_before_shutdown(false); } // a failed REQUIRE must not hang the program
  ~actor_fixture() {
    for (auto reason :
      {caf::exit_reason::user_shutdown, caf::exit_reason::kill}) { // one that waits for ever must not tick for ever
      for (auto& a : owned_) caf::anon_send_exit(a, reason);
      run();
    }
  }
  actor_fixture(const actor_fixture&) = delete;
  actor_fixture& operator=(const actor_fixture&) = delete;

  // Ends the actor together with the fixture.
  template <class Handle>
  Handle own(Handle h) {
    owned_.push_back(caf::actor_cast<caf::strong_actor_ptr>(h));
    return h;
  }

  // Sends a request from an actor of its own; the answer is filled in while the scheduler runs. A dead or silent
  // receiver shows after `timeout` of virtual time at the latest.
  template <class T = void, class Handle, class... Ts>
  answer<T> ask_within(caf::timespan timeout, const Handle& to, Ts... xs) {
    answer<T> a;
    system.spawn([=](caf::event_based_actor* self) mutable {
      auto failed = [self, a](caf::error& e) mutable {
        a.set(from_caf(e));
        self->quit();
      };
      auto response = self->request(caf::actor_cast<caf::actor>(to), timeout, std::move(xs)...);
      if constexpr (std::is_void_v<T>) {
        std::move(response).then(
          [self, a]() mutable {
            a.set();
            self->quit();
          },
          failed);
      } else {
        std::move(response).then(
          [self, a](T& x) mutable {
            a.set(std::move(x));
            self->quit();
          },
          failed);
      }
    });
    return a;
  }
  template <class T = void, class Handle, class... Ts>
  answer<T> ask(const Handle& to, Ts... xs) {
    return ask_within<T>(std::chrono::hours{1}, to, std::move(xs)...);
  }

  // Runs everything that is runnable now. Returns the number of messages handled.
  std::size_t run() {
    std::size_t n = 0;
    while (n < messages_max && scheduler.try_run_once()) ++n;
    if (n == messages_max) FAIL("actors that feed each other forever");
    return n;
  }
  // The same in a seeded random order, one message at a time.
  std::size_t run_random(std::mt19937_64& random) {
    std::size_t n = 0;
    for (; n < messages_max && scheduler.has_job(); ++n) {
      auto pick = scheduler.jobs.begin() + static_cast<std::ptrdiff_t>(random() % scheduler.jobs.size());
      std::iter_swap(scheduler.jobs.begin(), pick);
      scheduler.try_run_once();
    }
    if (n == messages_max) FAIL("actors that feed each other forever");
    return n;
  }
  // Lets virtual time pass in steps of `step`, running everything after each.
  void advance(caf::timespan by, caf::timespan step = std::chrono::milliseconds{50}) {
    for (run(); by.count() > 0; by -= step) {
      scheduler.advance_time(std::min(by, step));
      run();
    }
  }
  // Runs, letting time pass, until the condition holds; false after `limit` of virtual time.
  bool run_until(const std::function<bool()>& condition, caf::timespan limit = std::chrono::minutes{1}) {
    constexpr caf::timespan step = std::chrono::milliseconds{10};
    for (run(); !condition() && limit.count() > 0; limit -= step) {
      scheduler.advance_time(step);
      run();
    }
    return condition();
  }
  template <class T>
  const result<T>& wait(const answer<T>& a, caf::timespan limit = std::chrono::minutes{1}) {
    run_until([&] { return a.ready(); }, limit);
    return a.outcome();
  }

  // Ends an actor and lets it finish.
  template <class Handle>
  void stop(const Handle& h) {
    caf::anon_send_exit(h, caf::exit_reason::user_shutdown);
    run();
  }

private:
  static constexpr std::size_t messages_max = std::size_t{1} << 22; // in one run
  std::vector<caf::strong_actor_ptr> owned_;
};

} // namespace troupe
