// budget: a bound on the bytes that one io thread's requests hold at a time (stripe windows of uploads and downloads).
// Who finds it spent waits in line; who finds the line full, or waits past its deadline, is told ec::slow_down: memory
// stays bounded whatever clients do. Used on that thread only.
#pragma once

#include "api/http/asio.hpp"
#include "base/error.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace troupe::http {

class budget {
  struct state;

public:
  // Bytes that were granted; gives them back when destroyed. May outlive the budget.
  class hold {
  public:
    hold() = default;
    hold(hold&& other) noexcept : state_(std::move(other.state_)), bytes_(std::exchange(other.bytes_, 0)) {}
    hold& operator=(hold&& other) noexcept;
    ~hold() { release(); }
    std::uint64_t bytes() const { return bytes_; }
    void release();
    // Gives back what is above n bytes.
    void shrink_to(std::uint64_t n);

  private:
    friend class budget;
    hold(std::shared_ptr<state> s, std::uint64_t n) : state_(std::move(s)), bytes_(n) {}
    std::shared_ptr<state> state_;
    std::uint64_t bytes_ = 0;
  };

  budget(asio::io_context& io, std::uint64_t bytes_max, std::size_t waiters_max);

  // First come, first served. ec::too_large when `bytes` is over the whole budget.
  task<result<hold>> acquire(std::uint64_t bytes, steady::time_point deadline);

  std::uint64_t free_bytes() const;
  std::size_t waiting() const;

private:
  asio::io_context& io_;
  std::shared_ptr<state> state_;
};

} // namespace troupe::http
