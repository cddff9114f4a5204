// known_peers: which process is behind each node's name, as long as it is connected: two processes with one name are told
// apart by their instance, and the second one is refused, whichever data directory it has. Thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <string>

namespace troupe::net {

class known_peers {
public:
  // False: another process of that name is connected.
  bool arrive(const std::string& node, const std::string& instance) {
    std::lock_guard lock{mutex_};
    auto& p = peers_[node];
    if (p.connections != 0 && p.instance != instance) return false;
    p.instance = instance;
    ++p.connections;
    return true;
  }
  void leave(const std::string& node) {
    std::lock_guard lock{mutex_};
    auto found = peers_.find(node);
    if (found != peers_.end() && --found->second.connections == 0) peers_.erase(found);
  }

private:
  struct peer {
    std::string instance;
    std::size_t connections = 0;
  };
  std::mutex mutex_;
  std::map<std::string, peer> peers_; // those that are connected: at most as many as connections
};

} // namespace troupe::net
