// census: which actors of ours live in a process, and how many messages wait for each: what `troupe admin actors` shows.
// An actor is counted from spawn_counted() until it is destroyed; the actor system's configuration keeps the census
// (census_keeper), one without (most tests) counts nothing. Costs two atomic additions a message and one look at the
// mailbox each time that an actor runs.
//
// How much waits: `received` grows with every message that is sent to the actor, from any thread; the actor itself notes
// what it had handled when it began to run, and again after every `stride` messages. The difference is at most that
// much too high, and is not shown for an actor that sleeps because its mailbox is empty.
#pragma once

#include "troupe.pb.h"

#include <caf/actor_config.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/detail/init_fun_factory.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/resumable.hpp>
#include <caf/spawn_options.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <unordered_set>
#include <utility>

namespace troupe {

// Thread-safe. Outlives the actors that it counts.
class actor_census {
public:
  struct entry {
    virtual ~entry() = default;
    enum class condition { asleep, awake, ended }; // asleep: nothing is in its mailbox
    virtual condition now() const = 0;             // from any thread
    const char* name = "";                         // a literal
    std::atomic<std::uint64_t> received{0}, handled{0};
  };
  void add(const entry*);
  void remove(const entry*); // nothing looks at it any more when this returns
  void describe(pb::process_status&) const;

private:
  mutable std::mutex mutex_;
  std::unordered_set<const entry*> entries_;
};

// What an actor system's configuration is, too, to have its actors counted.
struct census_keeper {
  virtual ~census_keeper() = default;
  actor_census census;
};

// The actor class that CAF chose, and its entry in the census.
template <class Base>
class counted final : public Base {
public:
  template <class... Ts>
  explicit counted(caf::actor_config& c, Ts&&... xs) : Base(c, std::forward<Ts>(xs)...) {
    auto* keeper = dynamic_cast<census_keeper*>(&const_cast<caf::actor_system_config&>(this->system().config()));
    if (keeper == nullptr) return;
    entry_.name = this->name();
    census_ = &keeper->census;
    census_->add(&entry_);
  }
  ~counted() override {
    if (census_ != nullptr) census_->remove(&entry_);
  }

  using Base::enqueue;
  void enqueue(caf::mailbox_element_ptr what, caf::execution_unit* host) override {
    entry_.received.fetch_add(1, std::memory_order_relaxed);
    Base::enqueue(std::move(what), host);
  }

  // Runs in whatever thread the actor has now: nobody else touches its mailbox's queue.
  caf::resumable::resume_result resume(caf::execution_unit* host, std::size_t messages_max) override {
    for (;;) {
      take_stock();
      auto step = std::min(messages_max, stride);
      auto outcome = Base::resume(host, step);
      // Awaiting messages: it may run elsewhere already.
      if (outcome != caf::resumable::resume_later || messages_max <= step) return outcome;
      messages_max -= step;
    }
  }

private:
  static constexpr std::size_t stride = 50;

  struct own_entry final : actor_census::entry {
    explicit own_entry(counted& c) : owner(c) {}
    condition now() const override { // atomics of the mailbox: safe
      auto& box = owner.mailbox();
      if (box.closed()) return condition::ended;
      return box.blocked() ? condition::asleep : condition::awake;
    }
    counted& owner;
  };

  void take_stock() {
    auto& box = this->mailbox();
    if (census_ == nullptr || box.closed() || box.blocked()) return;
    auto waits = std::uint64_t{box.size()};
    auto all = entry_.received.load(std::memory_order_relaxed);
    entry_.handled.store(all - std::min(all, waits), std::memory_order_relaxed);
  }

  own_entry entry_{*this};
  actor_census* census_ = nullptr;
};

// As caf::actor_system::spawn() of a function-based actor.
template <caf::spawn_options Options = caf::no_spawn_options, class F, class... Ts>
auto spawn_counted(caf::actor_system& system, F fun, Ts&&... xs) {
  using impl = caf::infer_impl_from_fun_t<F>;
  caf::actor_config c;
  caf::detail::init_fun_factory<impl, F> make;
  c.init_fun = make(std::move(fun), std::forward<Ts>(xs)...);
  return system.spawn_impl<counted<impl>, Options>(c);
}

} // namespace troupe
