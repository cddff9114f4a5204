// cluster_config_keys: the table of every key of a cluster configuration: its name, what is expected, who reads it.
// A new key is a row there, a member of cluster_config, and a paragraph of config/reference.yaml (a test compares them).
#pragma once

#include "roles/cluster_config_draft.hpp"
#include "roles/cluster_config_values.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::config {

template <class Target>
struct setting {
  std::string_view key;                      // with dots: below `storage`, or below one of its nodes
  std::string_view expected;                 // ends the message about a bad value
  wrong (*read)(const YAML::Node&, Target&); // null for `nodes`, whose elements are read by node_settings()
  bool secret = false;                       // its value is never shown
};

std::span<const setting<draft>> settings();
std::span<const setting<node_config>> node_settings();

// "mode", "cluster.replica_count", "nodes[].id": all below the root key `storage`.
std::vector<std::string> known_keys();

} // namespace troupe::config
