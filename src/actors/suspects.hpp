// suspects: nodes that failed an upload a moment ago, shared by a replicator's sessions: a node that hangs costs one
// upload its patience, not every one. A suspicion ends by itself; membership knows better once it exists.
#pragma once

#include "base/ids.hpp"

#include <chrono>
#include <map>
#include <mutex>

namespace troupe {

class suspects {
public:
  using time_point = std::chrono::steady_clock::time_point; // the actor clock's

  explicit suspects(std::chrono::milliseconds how_long) : how_long_(how_long) {}

  void report(const node_id& node, time_point now) {
    std::lock_guard lock{mutex_};
    until_[node] = now + how_long_;
  }
  bool has(const node_id& node, time_point now) const {
    std::lock_guard lock{mutex_};
    auto found = until_.find(node);
    return found != until_.end() && now < found->second;
  }

private:
  std::chrono::milliseconds how_long_;
  mutable std::mutex mutex_;
  std::map<node_id, time_point> until_;
};

} // namespace troupe
