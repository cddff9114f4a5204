// job_clock: how far a walk through all extents is, how fast it goes and how long it still takes, by what the last one
// found. Estimates for people; nothing is decided by them.
#pragma once

#include "troupe.pb.h"

#include <chrono>
#include <cstdint>
#include <string>

namespace troupe {

class job_clock {
public:
  using time = std::chrono::milliseconds; // since any one epoch

  void begin(time now) {
    began_ = now;
    running_ = true;
    done_ = bytes_ = 0;
  }
  // As begin(), of a job that knows how much there is.
  void begin(time now, std::uint64_t extents_total) {
    begin(now);
    total_ = extents_total;
  }
  void step(std::uint64_t extents, std::uint64_t bytes = 0) {
    done_ += extents;
    bytes_ += bytes;
  }
  void end() { // whole
    running_ = false;
    total_ = done_;
  }
  void give_up() { running_ = false; }
  std::uint64_t done() const { return done_; }

  pb::healing_job message(std::string name, time now) const {
    pb::healing_job m;
    m.set_name(std::move(name));
    m.set_running(running_);
    m.set_extents_done(done_);
    m.set_extents_total(total_);
    m.set_bytes_done(bytes_);
    auto took = static_cast<double>((now - began_).count()) / 1000;
    if (!running_ || took <= 0) return m;
    m.set_bytes_per_second(static_cast<std::uint64_t>(static_cast<double>(bytes_) / took));
    if (done_ != 0 && total_ >= done_)
      m.set_seconds_left(
        static_cast<std::int64_t>(static_cast<double>(total_ - done_) * took / static_cast<double>(done_)));
    return m;
  }

private:
  time began_{0};
  bool running_ = false;
  std::uint64_t done_ = 0, total_ = 0, bytes_ = 0;
};

} // namespace troupe
