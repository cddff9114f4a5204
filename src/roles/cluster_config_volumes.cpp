#include "roles/cluster_config_values.hpp"

#include <algorithm>

namespace troupe::config {
namespace {

constexpr std::size_t volumes_max = 64;

wrong read_volume(const YAML::Node& y, listed_volume& out) {
  if (!y.IsMap()) return y;
  for (const auto& entry : y) {
    if (!entry.first.IsScalar()) return entry.first;
    const auto& name = entry.first.Scalar();
    if (name == "id") {
      if (auto bad = read_text(entry.second, out.volume.id)) return bad;
      if (!is_volume_id(out.volume.id)) return entry.second;
    } else if (name == "provider") {
      if (auto bad = read_text(entry.second, out.volume.provider)) return bad;
      if (!make_volume_provider(out.volume.provider)) return entry.second;
    } else if (name == "path") {
      if (auto bad = read_text(entry.second, out.volume.path)) return bad;
    } else if (name == "nodes") {
      if (auto bad = read_node_ids(entry.second, out.nodes)) return bad;
    } else {
      return entry.first;
    }
  }
  if (out.volume.id.empty() || out.volume.provider.empty() || out.volume.path.empty()) return y;
  return std::nullopt;
}

} // namespace

wrong read_volumes(const YAML::Node& y, std::vector<listed_volume>& out) {
  if (!y.IsSequence() || y.size() > volumes_max) return y;
  out.clear();
  for (const auto& element : y) {
    listed_volume v;
    if (auto bad = read_volume(element, v)) return bad;
    if (std::ranges::any_of(out, [&](const auto& o) { return o.volume.id == v.volume.id; })) return element;
    out.push_back(std::move(v));
  }
  return std::nullopt;
}

} // namespace troupe::config
