// event_log: what happened lately, as this process saw it: for an operator who watches (`troupe admin watch`). The last
// `capacity` events, numbered from 1 on since the process started; who reads too slowly is told how many he missed.
// Nothing depends on it. Thread-safe.
#pragma once

#include "base/environment.hpp"

#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace troupe {

struct cluster_event {
  std::uint64_t number = 0;
  unix_ms at = 0;
  std::string kind; // member, map, leader, healing, fault, damage, storage: docs/ADMIN.md
  std::string node; // that it is about; may be empty
  std::string text; // for people
};

class event_log {
public:
  static constexpr std::size_t text_bytes_max = 500; // longer ones are cut

  explicit event_log(const wall_clock& clock, std::size_t capacity = 1024) : clock_(clock), capacity_(capacity) {}

  void add(std::string kind, std::string node, std::string text);

  struct page {
    std::vector<cluster_event> events;
    std::uint64_t lost = 0; // after the one asked for, and gone
    std::uint64_t last = 0; // ask after this one next
  };
  // Those after number `after`, `max` at most. A number that has not been given yet (of an earlier life of the process)
  // counts as 0.
  page after(std::uint64_t number, std::size_t max) const;
  std::uint64_t last() const; // 0: none yet

  // One who watches now. Nothing when there are `watchers_max` already.
  static constexpr int watchers_max = 32;
  class watcher {
  public:
    explicit watcher(event_log& log) : log_(&log) {}
    watcher(watcher&& other) noexcept : log_(std::exchange(other.log_, nullptr)) {}
    watcher(const watcher&) = delete;
    watcher& operator=(const watcher&) = delete;
    watcher& operator=(watcher&&) = delete;
    ~watcher();

  private:
    event_log* log_;
  };
  std::optional<watcher> watch();
  bool watched() const;

private:
  const wall_clock& clock_;
  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::deque<cluster_event> events_;
  std::uint64_t last_ = 0;
  int watchers_ = 0;
};

} // namespace troupe
