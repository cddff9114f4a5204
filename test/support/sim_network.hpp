// sim_network: the channels of many simulated processes in one actor system, on the test's scheduler and its virtual clock.
// Every message is copied byte by byte, as over a wire; each takes a seeded time; a test cuts, freezes and crashes.
#pragma once

#include "actors/messages.hpp"
#include "net/channel.hpp"
#include "support/actor_fixture.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>

namespace troupe {

struct sim_event {
  sim_event() = default;
  explicit sim_event(std::function<void()> f) : run(std::move(f)) {}
  std::function<void()> run;
};

} // namespace troupe

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::sim_event)

namespace troupe {

class sim_network {
public:
  explicit sim_network(actor_fixture& actors, std::uint64_t seed = 1) : random_(seed) {
    wire_ = actors.own(actors.system.spawn([](caf::event_based_actor* self) -> caf::behavior {
      return {
        [](sim_event& e) { e.run(); },
        [self](std::int64_t delay_us, sim_event& e) {
          self->delayed_send(self, std::chrono::microseconds{delay_us}, std::move(e));
        },
      };
    }));
  }

  // The process's way to others. `serve()` makes it reachable; a crashed one is neither reachable nor heard.
  std::shared_ptr<channel> join(const std::string& node, const std::string& address) {
    processes_[address] = {node, nullptr};
    return std::make_shared<link>(*this, address);
  }
  void serve(const std::string& address, peer_handler handler) { processes_[address].handler = std::move(handler); }
  void crash(const std::string& address) { processes_[address].handler = nullptr; }

  // Nothing goes from one to the other, and nobody is told.
  void cut(const std::string& from, const std::string& to) { cut_.insert({from, to}); }
  void isolate(const std::string& address) {
    for (auto& [other, p] : processes_) {
      cut(address, other);
      cut(other, address);
    }
  }
  void heal() { cut_.clear(); }

  double loss = 0; // share of posts that get lost
  std::uint64_t messages = 0;

private:
  struct process {
    std::string node;
    peer_handler handler;
  };

  class link final : public channel {
  public:
    link(sim_network& net, std::string me) : net_(net), me_(std::move(me)) {}
    void call(const peer_address& to, plane, peer_message m, std::chrono::milliseconds timeout, on_answer f) override {
      net_.call(me_, to, std::move(m), timeout, std::move(f));
    }
    void post(const peer_address& to, plane, peer_message m) override { net_.post(me_, to, std::move(m)); }

  private:
    sim_network& net_;
    std::string me_;
  };

  bool passes(const std::string& from, const std::string& to) const { return !cut_.contains({from, to}); }
  static peer_message copy_of(const peer_message& m) { return {m.method, m.head, chunk::copy_of(m.body)}; }
  void later(std::chrono::microseconds delay, std::function<void()> f) {
    caf::anon_send(wire_, static_cast<std::int64_t>(delay.count()), sim_event{std::move(f)});
  }
  std::chrono::microseconds travel() { return std::chrono::microseconds{100 + random_() % 900}; }

  void call(const std::string& from, const peer_address& to, peer_message m, std::chrono::milliseconds timeout,
    channel::on_answer f) {
    ++messages;
    auto once = std::make_shared<channel::on_answer>(std::move(f));
    auto answer = [once](result<peer_message> r) {
      if (auto g = std::exchange(*once, nullptr)) g(std::move(r));
    };
    auto target = processes_.find(to.address);
    if (target == processes_.end() || !target->second.handler || (!to.node.empty() && target->second.node != to.node))
      return later(travel(), [answer, to] { answer(fail(ec::unavailable, "nobody is at " + to.address)); });
    later(timeout, [answer] { answer(fail(ec::timeout, "no answer in time")); });
    if (!passes(from, to.address)) return;
    later(travel(), [this, from, address = to.address, m = copy_of(m), answer] {
      auto& p = processes_[address];
      if (!p.handler) return answer(fail(ec::timeout, "the connection broke"));
      p.handler(processes_[from].node, copy_of(m), [this, from, address, answer](result<peer_message> r) {
        if (!passes(address, from)) return;
        later(travel(), [answer, r = r ? result<peer_message>{copy_of(*r)} : r] { answer(r); });
      });
    });
  }
  void post(const std::string& from, const peer_address& to, peer_message m) {
    ++messages;
    if (!passes(from, to.address) || std::uniform_real_distribution<>{}(random_) < loss) return;
    later(travel(), [this, from, address = to.address, m = copy_of(m)] {
      auto p = processes_.find(address);
      if (p != processes_.end() && p->second.handler) p->second.handler(processes_[from].node, copy_of(m), nullptr);
    });
  }

  std::mt19937_64 random_;
  std::map<std::string, process> processes_; // by address
  std::set<std::pair<std::string, std::string>> cut_;
  caf::actor wire_;
};

} // namespace troupe
