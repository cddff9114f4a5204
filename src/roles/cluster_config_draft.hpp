// cluster_config_draft: a configuration on its way from a YAML document to a checked cluster_config, and the steps of it.
// cluster_config_walk.cpp finds what one key alone gets wrong, cluster_config_checks.cpp what keys say together.
#pragma once

#include "roles/cluster_config.hpp"

#include <yaml-cpp/yaml.h>

#include <map>
#include <string>

namespace troupe::config {

struct draft : cluster_config {
  std::string name;                          // of the file, for messages
  std::map<std::string, std::string> places; // key -> where its value was given: "cluster.yaml:12", "BACKEND"
  std::optional<host_port> coordinator;      // coordinator.address, seed 000's name for s3.address
  tls_files tls_given;

  bool given(const std::string& key) const { return places.contains(key); }
  // "cluster.yaml:12: message"; for a key that was not given, the file alone.
  error at(const std::string& key, const std::string& message) const;
};

// Reads the document's root into the draft. The first mistake is returned.
result<> read_document(const YAML::Node& root, draft&);
// Reads a value as if it stood in the file; `key` is a known key that is no list, or seeds (separated by commas).
result<> read_override(const std::string& key, const config_override&, draft&);
// The same of roles (separated by commas), for one node.
result<> read_roles_override(const config_override&, node_config&);
// Fills in what depends on other keys, and refuses what does not fit together.
result<> complete(draft&);

} // namespace troupe::config
