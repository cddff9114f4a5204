#include "core/ring.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <map>

namespace troupe {

std::uint64_t ring::position_of(bytes_view key) { return XXH3_64bits(key.data(), key.size()); }

ring::ring(std::vector<ring_node> nodes) : nodes_(std::move(nodes)) {
  auto by_name = [](const ring_node& a, const ring_node& b) { return a.id < b.id; };
  std::stable_sort(nodes_.begin(), nodes_.end(), by_name);
  auto same_name = [](const ring_node& a, const ring_node& b) { return a.id == b.id; };
  nodes_.erase(std::unique(nodes_.begin(), nodes_.end(), same_name), nodes_.end());

  std::map<std::pair<bool, std::string>, std::uint32_t> zone_numbers;
  for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
    auto& node = nodes_[i];
    auto zone = node.zone.empty() ? std::pair{true, node.id.name} : std::pair{false, node.zone};
    auto number = zone_numbers.emplace(zone, static_cast<std::uint32_t>(zone_numbers.size())).first->second;
    zone_of_node_.push_back(number);
    if (node.weight == 0) continue;
    ++places_;
    for (std::uint64_t v = 0; v < std::uint64_t{node.weight} * positions_per_weight; ++v)
      points_.push_back({position_of(as_bytes(node.id.name + "#" + std::to_string(v))), i});
  }
  std::sort(points_.begin(), points_.end());
}

std::vector<node_id> ring::clockwise(std::uint64_t position, std::size_t n) const {
  n = std::min(n, places_);
  // Walks until it has met enough zones, or every node when there are fewer zones than nodes wanted.
  std::vector<std::uint32_t> order; // distinct nodes as met
  std::vector<bool> met(nodes_.size()), zone_met(nodes_.size());
  std::size_t zones_met = 0;
  auto start = std::lower_bound(points_.begin(), points_.end(), point{position, 0}) - points_.begin();
  for (std::size_t i = 0; i < points_.size() && zones_met < n && order.size() < places_; ++i) {
    auto node = points_[(static_cast<std::size_t>(start) + i) % points_.size()].node;
    if (met[node]) continue;
    met[node] = true;
    order.push_back(node);
    if (!zone_met[zone_of_node_[node]]) {
      zone_met[zone_of_node_[node]] = true;
      ++zones_met;
    }
  }
  // Round r takes the r-th node of every zone.
  std::vector<node_id> out;
  std::vector<bool> taken(nodes_.size());
  while (out.size() < n) {
    std::vector<bool> zone_used(nodes_.size());
    for (auto node : order) {
      if (out.size() == n) break;
      if (taken[node] || zone_used[zone_of_node_[node]]) continue;
      taken[node] = true;
      zone_used[zone_of_node_[node]] = true;
      out.push_back(nodes_[node].id);
    }
  }
  return out;
}

} // namespace troupe
