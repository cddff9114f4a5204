// local_store: all three roles in one process, over storage nodes of its own that each have a directory, and one copy of
// the metadata. What `troupe dev` and mode local run. Who spawns whom, in which order, and how it all ends:
// local_store.cpp. Whoever opened the directories holds them meanwhile.
#pragma once

#include "base/error.hpp"
#include "base/ids.hpp"
#include "core/placement.hpp"
#include "roles/cluster_config.hpp"
#include "roles/credentials.hpp"
#include "roles/front_addresses.hpp"
#include "roles/host_port.hpp"
#include "roles/identity_settings.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

struct local_node {
  node_id id;
  std::string volume;    // its directory
  bool had_data = false; // at an earlier start: an empty directory means that its data is lost
  std::string zone;      // empty: a zone of its own
  std::uint32_t weight = 1;
};

struct local_store_options {
  std::string cluster;   // its id
  std::string metadata;  // the directory of its one copy, which exists
  node_id metadata_name; // what operators see
  std::vector<local_node> nodes;
  host_port s3, console;
  front_addresses fronts; // those that are switched on
  https_settings https;
  shards_config shards;
  credentials keys;
  identity_settings identity;
  audit_settings audit;
  std::string region = "us-east-1";
  std::uint64_t memory_bytes = std::uint64_t{192} << 20;
  std::uint64_t inline_bytes_max = 8192;
  bool encrypt_content = false;
  troupe::redundancy redundancy;
  healing_config healing;
  files_config files;
  observation_settings observation;
};

class local_store {
public:
  // Serves when this returns. The error's message is for a person.
  static result<std::unique_ptr<local_store>> start(const local_store_options&);
  ~local_store(); // stop() first, for a graceful one

  host_port s3() const;
  host_port console() const;
  front_addresses fronts() const;

  // Returns how many connections were cut after `grace`.
  std::size_t stop(std::chrono::milliseconds grace);

private:
  struct impl;
  explicit local_store(std::unique_ptr<impl>);
  std::unique_ptr<impl> impl_;
};

} // namespace troupe
