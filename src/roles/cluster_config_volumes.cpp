#include "roles/cluster_config_values.hpp"

#include <algorithm>

namespace troupe::config {
namespace {

constexpr std::size_t volumes_max = 64;

wrong read_ebs(const YAML::Node& y, ebs_config& out) {
  if (!y.IsMap()) return y;
  for (const auto& entry : y) {
    if (!entry.first.IsScalar()) return entry.first;
    const auto& name = entry.first.Scalar();
    std::string* field = nullptr;
    for (auto [known, member] : {std::pair{"volume", &ebs_config::volume}, std::pair{"instance", &ebs_config::instance},
           std::pair{"device", &ebs_config::device}, std::pair{"region", &ebs_config::region},
           std::pair{"endpoint", &ebs_config::endpoint}, std::pair{"filesystem", &ebs_config::filesystem}})
      if (name == known) field = &(out.*member);
    if (field == nullptr) return entry.first;
    if (field == &out.instance && entry.second.IsMap()) { // by node
      for (const auto& one : entry.second) {
        node_id node;
        std::string instance;
        if (auto bad = read_node_id(one.first, node)) return bad;
        if (auto bad = read_text(one.second, instance)) return bad;
        out.instances[node.name] = std::move(instance);
      }
      continue;
    }
    if (auto bad = read_text(entry.second, *field)) return bad;
  }
  const bool url = out.endpoint.empty() || out.endpoint.starts_with("https://") || out.endpoint.starts_with("http://");
  if (!out.filesystem.empty() && out.filesystem != "ext4" && out.filesystem != "xfs") return y;
  if (out.volume.empty() || (out.instance.empty() && out.instances.empty()) || out.device.empty() ||
    out.region.empty() || !url)
    return y;
  return std::nullopt;
}

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
      if (!is_volume_provider(out.volume.provider)) return entry.second;
    } else if (name == "path") {
      if (auto bad = read_text(entry.second, out.volume.path)) return bad;
    } else if (name == "ebs") {
      if (auto bad = read_ebs(entry.second, out.volume.ebs)) return bad;
    } else if (name == "nodes") {
      if (auto bad = read_node_ids(entry.second, out.nodes)) return bad;
    } else {
      return entry.first;
    }
  }
  if ((out.volume.provider == "aws-ebs") == out.volume.ebs.volume.empty()) return y;
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
