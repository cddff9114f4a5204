// cluster_config_values: single YAML values as C++ values. Each reader returns nothing when it stored the value, else the
// YAML node that is wrong: the value itself, or the element of a list; the caller words the message.
#pragma once

#include "roles/cluster_config.hpp"

#include <yaml-cpp/yaml.h>

namespace troupe::config {

using wrong = std::optional<YAML::Node>;

wrong read_text(const YAML::Node&, std::string& out); // any scalar that is not empty
wrong read_whole(const YAML::Node&, std::uint32_t min, std::uint32_t max, std::uint32_t& out);
wrong read_size(const YAML::Node&, std::uint64_t min, std::uint64_t max, std::uint64_t& out);
// With a unit, lest 5 be taken for milliseconds.
wrong read_duration(
  const YAML::Node&, std::chrono::milliseconds min, std::chrono::milliseconds max, std::chrono::milliseconds& out);
// One of two words.
wrong read_word(const YAML::Node&, std::string_view when_false, std::string_view when_true, bool& out);
wrong read_listen_address(const YAML::Node&, host_port& out);
wrong read_trace_endpoint(const YAML::Node&, std::string&); // off: empty
wrong read_trace_sample(const YAML::Node&, double&);
wrong read_front_address(const YAML::Node&, std::optional<host_port>& out); // or "off"
wrong read_front_names(const YAML::Node&, std::vector<std::string>& out);   // s3, console, ...: each at most once
wrong read_node_address(const YAML::Node&, host_port& out);
wrong read_addresses(const YAML::Node&, std::vector<host_port>& out); // of nodes
wrong read_node_id(const YAML::Node&, node_id& out);
wrong read_node_ids(const YAML::Node&, std::vector<node_id>& out);
wrong read_zone(const YAML::Node&, std::string& out); // may be empty
wrong read_region(const YAML::Node&, std::string& out);
// id, provider, path, and perhaps nodes; no two with one id.
wrong read_volumes(const YAML::Node&, std::vector<listed_volume>& out);
wrong read_roles(const YAML::Node&, node_config& out);

// "'three'", "a list", "nothing": for the message. A long value is cut.
std::string found(const YAML::Node&);

} // namespace troupe::config
