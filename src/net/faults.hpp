// faults: what a live process pretends of its network, so that an operator or a test can see what follows: messages to or
// from a node that get lost, or come late. Only where the configuration says `faults: enabled`. Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace troupe::net {

struct fault {
  bool drop = false;
  std::chrono::milliseconds delay{0};
};

class fault_rules {
public:
  static constexpr std::chrono::milliseconds delay_max{60'000};

  // Of what goes to the node, or comes from it; "*": any node that has no rule of its own.
  void set_outgoing(const std::string& node, fault f) { set(outgoing_, node, f); }
  void set_incoming(const std::string& node, fault f) { set(incoming_, node, f); }
  void clear() {
    std::lock_guard lock{mutex_};
    outgoing_.clear();
    incoming_.clear();
  }

  fault outgoing(const std::string& node) const { return get(outgoing_, node); }
  fault incoming(const std::string& node) const { return get(incoming_, node); }
  // "drop to node-3", "delay 100 ms from *": for people.
  std::vector<std::string> list() const;

private:
  using rules = std::map<std::string, fault>; // by node
  void set(rules& r, const std::string& node, fault f) {
    std::lock_guard lock{mutex_};
    r[node] = f;
  }
  fault get(const rules& r, const std::string& node) const {
    std::lock_guard lock{mutex_};
    auto found = r.find(node);
    if (found == r.end()) found = r.find("*");
    return found == r.end() ? fault{} : found->second;
  }

  mutable std::mutex mutex_;
  rules outgoing_, incoming_;
};

} // namespace troupe::net
