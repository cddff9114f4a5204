// coordinator: the front doors of a process. Owns the HTTP servers, what each io thread needs to talk to the actors, and
// the HEALER, the MOVER and the SWEEPER. Everything it serves from is handed in.
//
// Order of ends: stop() first (answers what is in flight, ends the io threads and the healer), then the actors that were
// handed in, then this object: the healer may look at the pins until it has ended.
#pragma once

#include "actors/interfaces.hpp"
#include "actors/volume_operator.hpp"
#include "base/environment.hpp"
#include "base/error.hpp"
#include "core/placement.hpp"
#include "core/stripe.hpp"
#include "roles/cluster_config.hpp"
#include "roles/credentials.hpp"
#include "roles/front_addresses.hpp"
#include "roles/host_port.hpp"
#include "roles/identity_settings.hpp"
#include "roles/shards_config.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

class channel;
class read_pins;
class shared_byte_rate;
class event_log;
class observation;
struct fault_switches;
struct process_controls;
class known_upload_era;
struct process_latencies;

// One for each processor, 16 at most; two for each of one or two processors: there an io thread often waits for METADATA
// or a log to leave its processor, and another one goes on (docs/PERFORMANCE.md).
unsigned usual_io_threads();

struct coordinator_options {
  host_port s3;
  host_port console;
  front_addresses fronts; // those that are switched on
  https_settings https;
  shards_config shards;
  std::string reachable_host; // where other machines find this one; empty: as it listens
  unsigned io_threads = 1;
  // What uploads and downloads may hold in memory at a time, all io threads together.
  std::uint64_t memory_bytes = std::uint64_t{192} << 20;
  std::uint64_t inline_bytes_max = 8192;
  bool encrypt_content = false; // of buckets that do not say otherwise
  credentials keys;
  identity_settings identity;
  audit_settings audit;
  std::string region = "us-east-1";
  metadata_actor metadata;
  metadata_actor member;                    // of this process; empty when it has none
  std::string member_name;                  // its node's name; of a process without one, the same
  std::map<std::string, host_port> s3db_of; // where clients reach the s3db of a node, as far as it is configured
  files_config files;
  replicator_actor replicator;
  surveyor_actor surveyor;                       // for /admin
  volume_operator_actor volumes;                 // the same
  std::shared_ptr<const live_node_counts> nodes; // decides the geometry of new content
  troupe::redundancy redundancy;
  std::shared_ptr<const fault_switches> faults;       // empty: they are not enabled
  std::shared_ptr<event_log> events;                  // empty: nobody can watch
  const observation* observed = nullptr;              // of this process; outlives this
  std::shared_ptr<const process_controls> controls;   // the same, for its metrics
  std::shared_ptr<const process_latencies> latencies; // for /metrics
  std::shared_ptr<known_upload_era> era; // of new content; of a cluster the RING MANAGER tells it, else the SWEEPER
  read_pins* pins = nullptr;             // shared with the replicator and with who answers other processes
  std::shared_ptr<channel> net;          // to other processes; of a cluster
  node_id self;                          // the same
  ring_manager_actor ring_manager;       // of a cluster; empty: all nodes are in this process, and stay as they are
  healing_config healing;
  std::shared_ptr<shared_byte_rate> heal_rate; // the replicator's
  std::function<bool()> able;                  // whether requests can be answered now: for /ready; nothing: always
  wall_clock* clock = nullptr;
  entropy* random = nullptr;
};

class coordinator {
public:
  // Listens on every port; /ready answers 200 once this returned.
  static result<std::unique_ptr<coordinator>> start(caf::actor_system&, coordinator_options);
  ~coordinator();

  host_port s3() const; // with the port it got
  host_port console() const;
  front_addresses fronts() const; // the same
  // Stops accepting, lets requests in flight finish until `grace` has passed; returns how many were cut.
  std::size_t stop(std::chrono::milliseconds grace);

private:
  struct impl;
  explicit coordinator(std::unique_ptr<impl>);
  std::unique_ptr<impl> impl_;
};

} // namespace troupe
