#include "api/http/budget.hpp"

#include "api/http/tokens.hpp"

#include <boost/asio/basic_waitable_timer.hpp>

#include <list>
#include <string>

namespace troupe::http {

namespace {

struct waiting_request {
  waiting_request(asio::io_context& io, std::uint64_t n, steady::time_point deadline) : bytes(n), alarm(io, deadline) {}
  std::uint64_t bytes;
  bool granted = false;
  asio::basic_waitable_timer<steady, asio::wait_traits<steady>, executor> alarm;
};

} // namespace

struct budget::state {
  std::uint64_t bytes_max = 0, free_bytes = 0;
  std::size_t waiters_max = 0;
  std::list<waiting_request*> line; // each one lives in its coroutine

  void put_back(std::uint64_t n) {
    free_bytes += n;
    while (!line.empty() && line.front()->bytes <= free_bytes) {
      auto* next = line.front();
      line.pop_front();
      free_bytes -= next->bytes;
      next->granted = true;
      next->alarm.cancel();
    }
  }
};

budget::budget(asio::io_context& io, std::uint64_t bytes_max, std::size_t waiters_max)
    : io_(io), state_(std::make_shared<state>()) {
  state_->bytes_max = state_->free_bytes = bytes_max;
  state_->waiters_max = waiters_max;
}

std::uint64_t budget::free_bytes() const { return state_->free_bytes; }
std::size_t budget::waiting() const { return state_->line.size(); }

void budget::hold::release() { shrink_to(0); }

void budget::hold::shrink_to(std::uint64_t n) {
  if (n >= bytes_) return;
  auto back = bytes_ - n;
  bytes_ = n;
  state_->put_back(back);
}

budget::hold& budget::hold::operator=(hold&& other) noexcept {
  if (this != &other) {
    release();
    state_ = std::move(other.state_);
    bytes_ = std::exchange(other.bytes_, 0);
  }
  return *this;
}

task<result<budget::hold>> budget::acquire(std::uint64_t bytes, steady::time_point deadline) {
  auto s = state_;
  if (bytes > s->bytes_max)
    co_return fail(
      ec::too_large, std::to_string(bytes) + " bytes asked of a budget of " + std::to_string(s->bytes_max));
  if (s->line.empty() && bytes <= s->free_bytes) {
    s->free_bytes -= bytes;
    co_return hold{s, bytes};
  }
  if (s->line.size() >= s->waiters_max) co_return fail(ec::slow_down, "too many requests wait for memory");
  waiting_request self{io_, bytes, deadline};
  // Leaves the line on every way out, also when the coroutine is destroyed while it waits.
  struct place {
    std::shared_ptr<state> s;
    waiting_request* who;
    ~place() {
      s->line.remove(who);
      if (who->granted) s->put_back(who->bytes);
    }
  } here{s, &self};
  s->line.push_back(&self);
  co_await self.alarm.async_wait(tuple_task);
  if (!self.granted) co_return fail(ec::slow_down, "no memory became free in time");
  self.granted = false; // the hold owns it now
  co_return hold{s, bytes};
}

} // namespace troupe::http
