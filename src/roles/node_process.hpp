// node_process: what `troupe serve` runs: one node of a cluster with the roles that its configuration gives it. Who spawns
// whom, in which order, and how it all ends: node_process.cpp.
#pragma once

#include "base/error.hpp"
#include "base/ids.hpp"
#include "core/placement.hpp"
#include "roles/cluster_config.hpp"
#include "roles/host_port.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace troupe {

class node_process {
public:
  // Its ports are open when this returns; it serves once enough of the cluster is there (`/ready`). The error's message
  // is for a person.
  static result<std::unique_ptr<node_process>> start(const cluster_config&, const node_id& self);
  ~node_process(); // stop() first, for a graceful one

  std::string address() const;         // that the actor port listens on
  std::optional<host_port> s3() const; // nothing without the role coordinator
  host_port console() const;
  front_addresses fronts() const;

  // Why it can not go on. SIGTERM is sent to the process with it: whoever runs it stops it and says so.
  std::optional<error> failure() const;
  // Returns how many connections were cut after `grace`.
  std::size_t stop(std::chrono::milliseconds grace);

private:
  struct impl;
  explicit node_process(std::unique_ptr<impl>);
  std::unique_ptr<impl> impl_;
};

// What tells a cluster from others: 32 hex digits, of its name. (Who may speak to its nodes is for certificates to say.)
std::string cluster_id_of(const std::string& name);
redundancy redundancy_of(const cluster_config&);

} // namespace troupe
