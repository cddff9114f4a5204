#include "net/faults.hpp"

namespace troupe::net {
namespace {

std::string text_of(const fault& f, const char* direction, const std::string& node) {
  auto what = f.drop ? std::string{"drop"} : "delay " + std::to_string(f.delay.count()) + " ms";
  return what + direction + node;
}

} // namespace

std::vector<std::string> fault_rules::list() const {
  std::lock_guard lock{mutex_};
  std::vector<std::string> all;
  for (auto& [node, f] : outgoing_) all.push_back(text_of(f, " to ", node));
  for (auto& [node, f] : incoming_) all.push_back(text_of(f, " from ", node));
  return all;
}

} // namespace troupe::net
