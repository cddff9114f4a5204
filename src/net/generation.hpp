// generation: which metadata group a process takes part in. A cluster is founded with generation 0; whenever a new group was
// made out of what one member still had (`troupe recover metadata`) it is one more, with an id of its own. Members of an
// earlier group that come back must not form a majority of it again: processes of different generations do not speak to each
// other, until the older one has taken over the newer generation. Thread-safe.
#pragma once

#include "base/error.hpp"

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <utility>

namespace troupe {

struct group_generation {
  std::uint64_t number = 0;
  std::string recovery; // 16 random bytes in hex, of the recovery that made it; empty for 0
  friend bool operator==(const group_generation&, const group_generation&) = default;
};

std::string to_string(const group_generation&); // "2 (1f0c...)"

class generation_keeper {
public:
  // Takes a newer generation over, durably, or says why this process can not. Called on an io thread of the channel.
  using take_over = std::function<result<>(const group_generation&)>;

  explicit generation_keeper(group_generation g = {}) : now_(std::move(g)) {}
  void on_newer(take_over f);
  void on_change(std::function<void()> f); // once it was taken over

  group_generation now() const;
  // What another process says. ec::conflict: one of the two must change before they can speak; the message says which.
  result<> meet(const group_generation& theirs, const std::string& who);

private:
  mutable std::mutex mutex_;
  group_generation now_;
  take_over take_over_;
  std::function<void()> changed_;
};

} // namespace troupe
