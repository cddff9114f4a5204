// connection_count: how many connections are open, and a way to wait until none is. A ticket is one of them; it counts
// from the acceptor's decision to the end of the connection, whatever happens in between.
#pragma once

#include "api/http/worker.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <utility>

namespace troupe::http {

class connection_count {
public:
  std::size_t open() const { return open_; }

  // Waits until no connection is open, at most until `end`; says whether that came true.
  bool wait_none(steady::time_point end) {
    watched_ = true; // before the count is read: who leaves later sees it and rings
    std::unique_lock lock{mutex_};
    return none_.wait_until(lock, end, [&] { return open_ == 0; });
  }

  class ticket {
  public:
    ticket(connection_count& count, worker& home) : count_(&count), home_(&home) {
      ++count.open_;
      home.connections.fetch_add(1, std::memory_order_relaxed);
    }
    ticket(ticket&& other) noexcept : count_(std::exchange(other.count_, nullptr)), home_(other.home_) {}
    ticket& operator=(ticket&&) = delete;
    ~ticket() {
      if (count_ == nullptr) return;
      home_->connections.fetch_sub(1, std::memory_order_relaxed);
      count_->leave();
    }

  private:
    connection_count* count_;
    worker* home_;
  };

private:
  void leave() {
    --open_;
    if (!watched_) return;
    std::lock_guard lock{mutex_};
    none_.notify_all();
  }

  std::atomic<std::size_t> open_{0};
  std::atomic<bool> watched_{false};
  std::mutex mutex_;
  std::condition_variable none_;
};

} // namespace troupe::http
