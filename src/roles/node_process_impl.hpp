// node_process_impl: what a node process consists of. node_process.cpp starts and ends it, node_metadata.cpp opens its
// metadata member and the way to the others.
#pragma once

#include "actors/address_book.hpp"
#include "actors/interfaces.hpp"
#include "actors/metadata_router.hpp"
#include "actors/peer_service.hpp"
#include "actors/process_controls.hpp"
#include "actors/syncer.hpp"
#include "actors/volume_operator.hpp"
#include "actors/worker.hpp"
#include "core/byte_rate.hpp"
#include "core/event_log.hpp"
#include "core/latency_histogram.hpp"
#include "core/read_pins.hpp"
#include "core/upload_era.hpp"
#include "net/tcp_channel.hpp"
#include "roles/actor_config.hpp"
#include "roles/console_server.hpp"
#include "roles/coordinator.hpp"
#include "roles/node_directory.hpp"
#include "roles/node_process.hpp"
#include "roles/observation.hpp"
#include "roles/peer_certificate.hpp"

#include <caf/all.hpp>

#include <atomic>
#include <mutex>
#include <optional>
#include <vector>

namespace troupe {

inline error in_role(const std::string& what, const error& e) { return fail(e.code, what + ": " + e.message); }

// Members in the order of their lives: what is below depends on what is above, and ends before it.
struct node_process::impl {
  impl(const cluster_config& c, const node_config& me, node_directory d, std::string id, std::unique_ptr<observation> o)
      : config(c), self(me), data(std::move(d)), cluster_id(std::move(id)), observed(std::move(o)) {}

  result<> open_channel();
  result<> start_storage();
  void start_gossip();
  std::string why_not_found();
  result<> start_member();
  // The metadata group was made anew, as another process says. Called on an io thread of the channel.
  result<> take_over(const group_generation&);
  void end_replaced(const group_generation& by);
  void start_router();
  void start_surveyor();
  void serve_peers();
  void start_ring();
  result<> start_coordinator();
  result<> start_console();
  // Ends one kind of actor and waits for it, so that nothing is asked of an actor that is gone.
  template <class Handle>
  void end(Handle& h);
  std::size_t stop(std::chrono::milliseconds grace);

  cluster_config config;
  node_config self;
  node_directory data;
  std::string cluster_id;
  const std::unique_ptr<observation> observed;
  std::shared_ptr<const fault_switches> faults; // empty: not enabled
  std::shared_ptr<event_log> events = std::make_shared<event_log>(system_clock_source());
  std::shared_ptr<known_upload_era> era = std::make_shared<known_upload_era>();
  std::shared_ptr<process_latencies> latencies = std::make_shared<process_latencies>();
  std::shared_ptr<generation_keeper> generation; // of the metadata group
  std::shared_ptr<tcp_channel> net;              // outlives every actor that may answer a peer
  std::unique_ptr<peer_certificate> shown;       // to other nodes; empty without TLS
  std::shared_ptr<address_book> addresses = std::make_shared<address_book>();
  std::shared_ptr<live_node_counts> counts = std::make_shared<live_node_counts>();
  read_pins pins; // of what is in use here
  std::shared_ptr<shared_byte_rate> heal_rate =
    std::make_shared<shared_byte_rate>(byte_rate{config.healing.rate_bytes}); // of all repairs and moves from here
  std::shared_ptr<std::atomic<bool>> in_touch = std::make_shared<std::atomic<bool>>(false);
  std::unique_ptr<coordinator> front; // their io_contexts outlive the actor system: declared, so destroyed, around it
  std::unique_ptr<console_server> console; // without the role coordinator, which has one of its own
  actor_config system_config;
  caf::actor_system system{system_config};
  syncer_actor metadata_syncer;
  worker_actor metadata_worker;
  metadata_actor member; // of this process
  std::vector<metadata_actor> remote_members;
  std::vector<metadata_router_options::member> group;
  metadata_actor router;
  std::shared_ptr<const process_controls> controls; // of this process
  volume_manager_actor volume;
  shard_actor shard;
  gossiper_actor gossip;
  peer_service_actor service;
  replicator_actor replicator;
  surveyor_actor surveyor;
  volume_operator_actor volume_orders; // of shards' volumes
  ring_manager_actor ring_manager;
  std::atomic<bool> stopping{false}; // for /ready
  std::mutex failure_mutex;
  std::optional<error> failure; // why this process can not go on
  bool stopped = false;
};

template <class Handle>
void node_process::impl::end(Handle& h) {
  if (!h) return;
  caf::scoped_actor ender{system};
  ender->send_exit(h, caf::exit_reason::user_shutdown);
  ender->wait_for(h);
  h = nullptr;
}

} // namespace troupe
