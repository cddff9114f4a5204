// memory_bound: how many bytes the requests of a surface hold in whole bodies at a time. Unlike budget.hpp nobody waits for a
// share: what does not fit is answered 503. Any thread.
#pragma once

#include "api/http/failure.hpp"

#include <atomic>
#include <cstdint>

namespace troupe::http {

class memory_bound {
public:
  explicit memory_bound(std::uint64_t bytes_max) : bytes_max_(bytes_max) {}

  class hold {
  public:
    // Throws ec::slow_down.
    hold(memory_bound& from, std::uint64_t bytes) : from_(from), bytes_(bytes) {
      if (!from_.take(bytes)) throw api_error{ec::slow_down, "too many large requests at a time: try again"};
    }
    ~hold() { from_.used_ -= bytes_; }
    hold(const hold&) = delete;
    hold& operator=(const hold&) = delete;

  private:
    memory_bound& from_;
    std::uint64_t bytes_;
  };

  std::uint64_t used() const { return used_; }
  bool has_room(std::uint64_t bytes) const { return used_ + bytes <= bytes_max_; }

private:
  bool take(std::uint64_t bytes) {
    if (used_.fetch_add(bytes) + bytes <= bytes_max_) return true;
    used_ -= bytes;
    return false;
  }

  std::uint64_t bytes_max_;
  std::atomic<std::uint64_t> used_{0};
};

} // namespace troupe::http
