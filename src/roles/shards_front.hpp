// shards_front: the front door for shards in a process: its attached volumes, a FAILOVER ELECTOR for each, the manager,
// the gRPC server, the threads that remove what was deleted and compact, and the one that carries operators' orders out.
//
// Order of ends: stop(); then the actors that were handed in; then this object.
#pragma once

#include "actors/interfaces.hpp"
#include "base/environment.hpp"
#include "base/error.hpp"
#include "roles/host_port.hpp"
#include "roles/shards_config.hpp"
#include "volumes/shard_manager.hpp"

#include <caf/fwd.hpp>

#include <chrono>
#include <memory>
#include <string>

namespace troupe {

class identity_gate;
class tracer;
class volume_desk;
namespace http {
class observer;
}
namespace net {
class server_certificate;
}

struct shards_front_options {
  std::string node;
  host_port where;
  std::string reachable_host; // for other nodes' clients, when `where` is all addresses; empty: where.host
  std::shared_ptr<const net::server_certificate> certificate; // nothing: gRPC without TLS
  const identity_gate* identity = nullptr;
  http::observer* watcher = nullptr; // of calls
  shards_config config;              // of its volumes, those that list this node, or none
  std::shared_ptr<volume_desk> desk; // for operators' orders; may be empty
  std::shared_ptr<tracer> tracing;   // nothing: off
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
  // As they were a second ago at most. Does not wait for the disk.
  std::vector<volume_facts> volumes() const;
  // Leases are given back, so that others need not wait for their end.
  void stop(std::chrono::milliseconds grace);

private:
  struct impl;
  explicit shards_front(std::unique_ptr<impl>);
  std::unique_ptr<impl> impl_;
};

} // namespace troupe
