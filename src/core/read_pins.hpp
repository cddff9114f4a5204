// read_pins: which content is in use in this process: being read, so that the healer does not reclaim it under a reader, or
// being written and not named yet, so that the sweeper does not take it for an orphan. Thread safe. What others use: READERS.
#pragma once

#include "base/ids.hpp"

#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

namespace troupe {

class read_pins {
public:
  // Keeps one data_id pinned while it lives.
  class pin {
  public:
    pin() = default;
    pin(read_pins* owner, data_id id) : owner_(owner), id_(id) {}
    pin(pin&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)), id_(other.id_) {}
    pin& operator=(pin&& other) noexcept {
      std::swap(owner_, other.owner_);
      std::swap(id_, other.id_);
      return *this;
    }
    ~pin() {
      if (owner_ != nullptr) owner_->drop(id_);
    }

  private:
    read_pins* owner_ = nullptr;
    data_id id_;
  };

  [[nodiscard]] pin hold(data_id id) {
    std::lock_guard lock{mutex_};
    ++counts_[id];
    return pin{this, id};
  }
  bool held(const data_id& id) const {
    std::lock_guard lock{mutex_};
    return counts_.contains(id);
  }

private:
  void drop(const data_id& id) {
    std::lock_guard lock{mutex_};
    if (auto i = counts_.find(id); --i->second == 0) counts_.erase(i);
  }
  mutable std::mutex mutex_;
  std::unordered_map<data_id, std::size_t> counts_;
};

} // namespace troupe
