// shards_front: the front door for shards in a process: its attached volumes, a FAILOVER ELECTOR for each, the manager,
// the gRPC server, and the thread that removes what was deleted.
//
// Order of ends: stop(); then the actors that were handed in; then this object.
#pragma once

#include "actors/interfaces.hpp"
#include "base/environment.hpp"
#include "base/error.hpp"
#include "roles/host_port.hpp"
#include "roles/shards_config.hpp"

#include <caf/fwd.hpp>

#include <chrono>
#include <memory>
#include <string>

namespace troupe {

struct shards_front_options {
  std::string node;
  host_port where;
  std::string reachable_host; // for other nodes' clients, when `where` is all addresses; empty: where.host
  std::string secret;         // that client tokens are made with
  std::chrono::milliseconds lease{3000};
  std::chrono::milliseconds delete_grace{60'000};
  std::vector<volume_config> volumes; // of this node
  metadata_actor metadata;
  wall_clock* clock = nullptr;
  entropy* random = nullptr;
};

class shards_front {
public:
  // Serves when this returns; a volume's primary is found a moment later.
  static result<std::unique_ptr<shards_front>> start(caf::actor_system&, shards_front_options);
  ~shards_front();
  host_port where() const; // with the port it got
  // Leases are given back, so that others need not wait for their end.
  void stop(std::chrono::milliseconds grace);

private:
  struct impl;
  explicit shards_front(std::unique_ptr<impl>);
  std::unique_ptr<impl> impl_;
};

} // namespace troupe
