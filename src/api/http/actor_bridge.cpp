#include "api/http/actor_bridge.hpp"

#include "actors/messages.hpp"
#include "api/http/tokens.hpp"

#include <boost/asio/async_result.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/post.hpp>
#include <caf/actor_config.hpp>
#include <caf/actor_system.hpp>
#include <caf/exit_reason.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/make_actor.hpp>
#include <caf/monitorable_actor.hpp>

#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

namespace troupe::http {

// What answering threads and the io thread share; outlives the bridge while an actor or a posted answer holds it.
struct actor_bridge::gate {
  std::mutex mutex;              // held while posting, so that the io_context cannot go away meanwhile
  actor_bridge* owner = nullptr; // null once the bridge is gone; written on the io thread, or after it was joined

  // Answers on their way; the io thread is told of the first, and takes all. Not under the other mutex: telling it wakes
  // it, and it would wait for whoever told it.
  using answer_list = std::vector<std::pair<std::uint64_t, caf::message>>;
  std::mutex answers_mutex;
  answer_list answers;

  bool add(std::uint64_t id, caf::message what) { // whether it is the first
    std::lock_guard lock{answers_mutex};
    answers.emplace_back(id, std::move(what));
    return answers.size() == 1;
  }
  answer_list take() {
    std::lock_guard lock{answers_mutex};
    return std::exchange(answers, {});
  }
};

class actor_bridge::port final : public caf::monitorable_actor {
public:
  port(caf::actor_config& cfg, std::shared_ptr<gate> g) : monitorable_actor(cfg), gate_(std::move(g)) {}
  const char* name() const override { return "http-port"; }

  void enqueue(caf::mailbox_element_ptr what, caf::execution_unit*) override {
    if (!what->mid.is_response()) {
      bounce(what, caf::make_error(caf::sec::unexpected_message));
      return;
    }
    if (!gate_->add(what->mid.request_id().integer_value(), what->move_content_to_message())) return;
    std::lock_guard lock{gate_->mutex};
    if (gate_->owner == nullptr) {
      gate_->take();
      return;
    }
    asio::post(gate_->owner->io_, [g = gate_] {
      for (auto& [id, m] : g->take())
        if (g->owner != nullptr) g->owner->answer(id, std::move(m));
    });
  }

private:
  std::shared_ptr<gate> gate_;
};

namespace {

// A coroutine that waits, without the type of its completion handler.
struct waiter {
  virtual ~waiter() = default;
  virtual void resume(result<caf::message> with) = 0;
};

template <class Handler>
struct waiter_of final : waiter {
  explicit waiter_of(Handler h) : handler(std::move(h)) {}
  void resume(result<caf::message> with) override { std::move(handler)(std::move(with)); }
  Handler handler;
};

} // namespace

struct actor_bridge::waiters {
  struct entry {
    std::unique_ptr<waiter> who;
    steady::time_point deadline;
    std::chrono::milliseconds limit;
  };
  explicit waiters(asio::io_context& io) : timer(io) {}
  std::unordered_map<std::uint64_t, entry> by_id;
  std::uint64_t last_id = 0;
  asio::basic_waitable_timer<steady, asio::wait_traits<steady>, executor> timer;
  bool armed = false;
};

actor_bridge::actor_bridge(caf::actor_system& system, asio::io_context& io)
    : system_(system), io_(io), gate_(std::make_shared<gate>()), waiters_(std::make_unique<waiters>(io)) {
  gate_->owner = this;
  caf::actor_config cfg;
  port_ = caf::make_actor<port, caf::strong_actor_ptr>(system.next_actor_id(), system.node(), &system, cfg, gate_);
}

actor_bridge::~actor_bridge() {
  close();
  auto* self = static_cast<port*>(caf::actor_cast<caf::abstract_actor*>(port_));
  self->cleanup(caf::make_error(caf::exit_reason::user_shutdown), nullptr); // leaves CAF's registry too
}

void actor_bridge::close() {
  if (!waiters_) return;
  auto old = std::move(waiters_); // from here on, asks fail
  for (auto& [id, e] : old->by_id) e.who->resume(fail(ec::closed, "the server has stopped"));
  std::lock_guard lock{gate_->mutex};
  gate_->owner = nullptr;
}

task<result<caf::message>> actor_bridge::request(
  caf::strong_actor_ptr to, std::chrono::milliseconds limit, caf::message what) {
  if (!to) co_return fail(ec::unavailable, "no such actor");
  if (!waiters_) co_return fail(ec::closed, "the server has stopped");
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<executor>, void(result<caf::message>)>(
    [&](auto resume) {
      using handler_type = std::decay_t<decltype(resume)>;
      auto id = ++waiters_->last_id;
      waiters_->by_id.emplace(
        id, waiters::entry{std::make_unique<waiter_of<handler_type>>(std::move(resume)), steady::now() + limit, limit});
      if (!waiters_->armed) arm();
      to->enqueue(port_, caf::make_message_id(id), std::move(what), nullptr);
    },
    use_task);
}

void actor_bridge::send(const caf::strong_actor_ptr& to, caf::message what) {
  if (to) to->enqueue(nullptr, caf::make_message_id(), std::move(what), nullptr);
}

std::size_t actor_bridge::outstanding() const { return waiters_ ? waiters_->by_id.size() : 0; }

void actor_bridge::answer(std::uint64_t id, caf::message what) {
  if (!waiters_) return;
  auto i = waiters_->by_id.find(id);
  if (i == waiters_->by_id.end()) return; // after its deadline
  auto who = std::move(i->second.who);
  waiters_->by_id.erase(i);
  if (what.match_elements<caf::error>())
    who->resume(from_caf(what.get_as<caf::error>(0)));
  else
    who->resume(std::move(what));
}

void actor_bridge::fail_all(const error& why) {
  if (!waiters_) return;
  std::vector<std::unique_ptr<waiter>> all;
  all.reserve(waiters_->by_id.size());
  for (auto& [id, e] : waiters_->by_id) all.push_back(std::move(e.who));
  waiters_->by_id.clear();
  for (auto& w : all) w->resume(why);
}

void actor_bridge::arm() {
  waiters_->armed = true;
  waiters_->timer.expires_after(sweep_time);
  waiters_->timer.async_wait([g = gate_](boost::system::error_code e) {
    if (e || g->owner == nullptr || !g->owner->waiters_) return;
    g->owner->waiters_->armed = false;
    g->owner->sweep();
  });
}

void actor_bridge::sweep() {
  auto now = steady::now();
  std::vector<waiters::entry> late;
  for (auto i = waiters_->by_id.begin(); i != waiters_->by_id.end();) {
    if (i->second.deadline > now) {
      ++i;
      continue;
    }
    late.push_back(std::move(i->second));
    i = waiters_->by_id.erase(i);
  }
  for (auto& e : late) e.who->resume(fail(ec::timeout, "no answer within " + std::to_string(e.limit.count()) + " ms"));
  if (waiters_ && !waiters_->by_id.empty() && !waiters_->armed) arm(); // a coroutine may have closed us
}

} // namespace troupe::http
