// address_book: where each node's actor port is, as this process knows it now: first from its configuration, later from the
// cluster map. Shared by whoever sends to a node by its name. Thread-safe.
#pragma once

#include "net/channel.hpp"

#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace troupe {

class address_book {
public:
  void set(const std::string& node, const std::string& address) {
    std::lock_guard lock{mutex_};
    addresses_[node] = address;
  }
  std::optional<peer_address> find(const std::string& node) const {
    std::lock_guard lock{mutex_};
    auto found = addresses_.find(node);
    if (found == addresses_.end()) return std::nullopt;
    return peer_address{node, found->second};
  }

private:
  mutable std::mutex mutex_;
  std::map<std::string, std::string> addresses_; // by node
};

} // namespace troupe
