// progress: the one-line progress bar of a transfer, on stderr and only when that is a terminal.
// The text is made by pure functions; `progress` counts bytes from any thread and redraws at most ten times a second.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace troupe::cli {

// Bytes per second, smoothed over about three seconds.
class rate_meter {
public:
  // `seconds`: since the start, never smaller than at the last call.
  void update(double seconds, std::uint64_t bytes_so_far);
  double bytes_per_second() const { return rate_; }

private:
  double last_seconds_ = 0;
  std::uint64_t last_bytes_ = 0;
  double rate_ = 0;
  bool primed_ = false;
};

struct progress_state {
  std::uint64_t done = 0;
  std::optional<std::uint64_t> total; // absent: a stream of unknown length
  double bytes_per_second = 0;
};

// "photo.jpg  [=====>    ]  52 %  12.0 MiB of 23.0 MiB  4.0 MiB/s  0:02", cut to `columns`.
std::string progress_line(std::string_view label, const progress_state&, std::size_t columns);

class progress {
public:
  // Draws nothing when not `shown`. `label` must outlive nothing: it is copied.
  progress(std::string label, std::optional<std::uint64_t> total, bool shown);
  ~progress();
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;

  void add(std::uint64_t bytes);
  void take_back(std::uint64_t bytes); // a part is sent again
  void tick();                         // redraws when it is time: also called while nothing moves
  std::uint64_t done() const { return done_.load(std::memory_order_relaxed); }

private:
  using clock = std::chrono::steady_clock;

  std::string label_;
  std::optional<std::uint64_t> total_;
  bool shown_;
  clock::time_point start_ = clock::now();
  std::atomic<std::uint64_t> done_ = 0;
  std::mutex drawing_; // guards what follows
  clock::time_point next_ = start_;
  rate_meter rate_;
};

// Whether stderr is a terminal.
bool stderr_is_terminal();

} // namespace troupe::cli
