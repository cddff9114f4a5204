// sim_cluster: a whole cluster in one process, one thread and one seed: every node with its gossip, metadata member, shard,
// replicator, ring manager and mover, on a simulated disk that loses what was not synced, joined by a sim_network. Nodes
// crash, freeze out, come back; a client puts and gets through any of them.
#pragma once

#include "actors/forming_member.hpp"
#include "actors/gossiper.hpp"
#include "actors/healer.hpp"
#include "actors/metadata_router.hpp"
#include "actors/mover.hpp"
#include "actors/peer_methods.hpp"
#include "actors/peer_service.hpp"
#include "actors/readers.hpp"
#include "actors/remote_metadata.hpp"
#include "actors/replicator.hpp"
#include "actors/ring_manager.hpp"
#include "actors/sweeper.hpp"
#include "actors/syncer.hpp"
#include "actors/volume_manager.hpp"
#include "core/extent_rows.hpp"
#include "core/read_pins.hpp"
#include "core/tables.hpp"
#include "support/metadata_member.hpp"
#include "support/sim_mutants.hpp"
#include "support/sim_network.hpp"

#include <algorithm>
#include <cstdlib>
#include <set>

namespace troupe::test {

inline const std::string sim_cluster_id(32, 'c');

// The actor system's virtual clock, as a wall clock.
class virtual_clock final : public wall_clock {
public:
  explicit virtual_clock(actor_fixture& fx) : fx_(fx) {}
  unix_ms now() const override {
    auto since = fx_.system.clock().now().time_since_epoch();
    return 1'800'000'000'000 + std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
  }

private:
  actor_fixture& fx_;
};

class sim_cluster {
public:
  struct node {
    explicit node(std::uint64_t seed)
        : random(seed), files(std::make_shared<sim_disk>(seed)), volume(std::make_shared<sim_disk>(seed + 1)) {}
    std::string name, address;
    seeded_entropy random;
    std::shared_ptr<sim_disk> files, volume; // of the metadata member, and of the shard
    std::shared_ptr<state_base> base = make_memory_base(), index = make_memory_base();
    std::shared_ptr<known_upload_era> era;
    std::shared_ptr<process_latencies> latencies = std::make_shared<process_latencies>();
    // While it is up:
    bool up = false;
    std::unique_ptr<read_pins> pins = std::make_unique<read_pins>();
    std::shared_ptr<live_node_counts> counts;
    std::vector<caf::strong_actor_ptr> actors;
    metadata_actor member, router;
    shard_actor shard;
    replicator_actor replicator;
    mover_actor move;
    ring_manager_actor ring;
  };

  sim_cluster(std::uint64_t seed, std::size_t size, std::size_t members)
      : random(seed), network(fx, seed), clock(fx), members_(members) {
    if (std::getenv("TROUPE_TEST_LOG") == nullptr) spdlog::set_level(spdlog::level::off);
    for (std::size_t i = 0; i < size; ++i) add();
  }
  ~sim_cluster() {
    for (auto& n : nodes) kill(*n);
    spdlog::set_level(level_before_);
  }
  sim_cluster(const sim_cluster&) = delete;
  sim_cluster& operator=(const sim_cluster&) = delete;

  node& add() {
    auto n = std::make_unique<node>(random());
    n->name = "node-" + std::to_string(nodes.size() + 1);
    n->address = n->name + ":9101";
    nodes.push_back(std::move(n));
    return *nodes.back();
  }
  void start_all() {
    for (auto& n : nodes) start(*n);
  }
  void start(node& n);
  // As kill -9, or a power cut: what was not synced is lost.
  void crash(node& n) {
    n.files->power_off_after(0);
    n.volume->power_off_after(0);
    kill(n);
    n.files->crash();
    n.volume->crash();
  }

  // ---- a client -------------------------------------------------------------------------------------------------
  result<> put(node& at, const std::string& key, const std::string& content);
  // The same in two steps, with any time between them: the content is on the nodes, then its batch is committed.
  result<pb::batch> store(node& at, const std::string& key, const std::string& content);
  result<> commit(node& at, pb::batch);
  result<std::optional<std::string>> get(node& at, const std::string& key); // nothing: no such key
  // Data ids that rows name now, and that nodes hold which run.
  std::set<std::string> named(), held();
  std::set<std::string> condemned(); // their rows
  pb::cluster_map map_at(node& at) {
    auto a = fx.ask<wire<pb::cluster_map>>(at.ring, status_atom::value);
    fx.wait(a);
    return a.ok() ? *a.value() : pb::cluster_map{};
  }
  bool all_up(std::size_t n) { // as the first node that runs sees it
    for (auto& at : nodes)
      if (at->up) {
        auto map = map_at(*at);
        return std::count_if(map.nodes().begin(), map.nodes().end(),
                 [](auto& x) { return x.state() == pb::cluster_node::up; }) == static_cast<std::ptrdiff_t>(n);
      }
    return false;
  }
  bool wait_until(const std::function<bool()>& condition, std::chrono::seconds limit = std::chrono::seconds{60}) {
    for (auto end = clock.now() + std::chrono::milliseconds{limit}.count(); clock.now() < end;) {
      if (condition()) return true;
      fx.advance(std::chrono::milliseconds{200});
    }
    return condition();
  }

  std::mt19937_64 random;
  actor_fixture fx;
  sim_network network;
  virtual_clock clock;
  std::vector<std::unique_ptr<node>> nodes;
  std::chrono::milliseconds orphan_grace{1'000}; // uploads are not pinned here: the commits alone must tell
  std::chrono::milliseconds era_length{upload_era::length_by_default};
  forgotten_preconditions forgets; // a mutant, of all nodes that start from now on

private:
  static std::uint64_t raft_id_of(std::size_t i) { return i + 1; }
  void kill(node& n) {
    if (!std::exchange(n.up, false)) return;
    network.crash(n.address);
    n.member = n.router = nullptr;
    n.replicator = nullptr;
    n.shard = nullptr;
    n.move = nullptr;
    n.ring = nullptr;
    for (auto a = n.actors.rbegin(); a != n.actors.rend(); ++a) caf::anon_send_exit(*a, caf::exit_reason::kill);
    n.actors.clear();
    fx.run();
  }
  template <class Handle>
  Handle keep(node& n, Handle h) {
    n.actors.push_back(caf::actor_cast<caf::strong_actor_ptr>(h));
    return h;
  }
  metadata_actor start_member(node& n, const std::shared_ptr<channel>& net,
    const std::vector<forming_member_options::other>& others, const std::shared_ptr<address_book>& book);

  std::size_t members_;
  spdlog::level::level_enum level_before_ = spdlog::get_level();
};

inline metadata_actor sim_cluster::start_member(node& n, const std::shared_ptr<channel>& net,
  const std::vector<forming_member_options::other>& others, const std::shared_ptr<address_book>& book) {
  forming_member_options o;
  auto& m = o.member;
  m.address = n.name;
  m.members.clear();
  for (std::size_t i = 0; i < members_; ++i) {
    m.members.push_back({raft_id_of(i), nodes[i]->name});
    if (nodes[i].get() == &n) m.id = raft_id_of(i);
  }
  m.files = n.files;
  m.directory = "metadata";
  m.base = std::make_shared<powered_base>(n.base, n.files);
  m.random = &n.random;
  m.detached = false;
  m.latencies = n.latencies;
  m.syncer = keep(n, spawn_syncer(fx.system, false));
  m.worker = keep(n, spawn_worker(fx.system, false));
  m.checkpoint.commands = 40;
  m.trailing_entries = 20;
  m.send = [net, book](std::uint64_t, const std::string& to_node, const wire<pb::raft_message>& message) {
    if (auto to = book->find(to_node)) net->post(*to, plane::control, to_peer(peer_method::metadata_raft, *message));
  };
  m.fetch = [net, book](std::uint64_t, const std::string& to_node, const pb::state_copy_request& request,
              std::function<void(result<pb::state_copy_page>)> done) {
    auto to = book->find(to_node);
    if (!to) return done(fail(ec::unavailable, "unknown node"));
    net->call(*to, plane::bulk, to_peer(peer_method::metadata_copy, request), std::chrono::seconds{5},
      [done = std::move(done)](
        result<peer_message> page) { done(page ? parse_head<pb::state_copy_page>(*page) : std::move(page).error()); });
  };
  o.others = others;
  o.pristine = !n.files->exists("metadata/vote").value();
  return keep(n, spawn_forming_member(fx.system, std::move(o)));
}

inline void sim_cluster::start(node& n) {
  REQUIRE(!n.up);
  n.up = true;
  auto net = network.join(n.name, n.address);
  auto book = std::make_shared<address_book>();
  std::vector<std::string> seeds;
  for (auto& other : nodes) {
    book->set(other->name, other->address);
    seeds.push_back(other->address);
  }

  volume_options v;
  v.node = n.name;
  v.cluster = sim_cluster_id;
  v.files = n.volume;
  v.index = std::make_shared<powered_base>(n.index, n.volume);
  v.detached = false;
  v.store.segment_bytes = 64 << 10;
  v.clock = &clock;
  auto volume = spawn_volume_manager(fx.system, std::move(v));
  REQUIRE(volume);
  auto asked = fx.ask<shard_actor>(keep(n, *volume), shards_atom::value);
  fx.wait(asked);
  auto shard = asked.value();
  n.shard = shard;

  gossiper_options g;
  g.node = node_id{n.name};
  g.address = n.address;
  g.seeds = seeds;
  g.timing.interval = std::chrono::milliseconds{200};
  g.timing.ack_timeout = std::chrono::milliseconds{60};
  g.timing.suspect_timeout = std::chrono::milliseconds{1000};
  g.net = net;
  g.clock = &clock;
  g.random = &n.random;
  g.latencies = n.latencies;
  auto gossip = keep(n, spawn_gossiper(fx.system, std::move(g)));

  metadata_router_options r;
  std::vector<forming_member_options::other> others;
  bool member = false;
  for (std::size_t i = 0; i < members_; ++i) {
    if (nodes[i].get() == &n) {
      member = true;
      continue;
    }
    peer_address to{nodes[i]->name, nodes[i]->address};
    auto remote = keep(n, spawn_remote_metadata(fx.system, net, to, std::chrono::seconds{5}));
    r.members.emplace_back(nodes[i]->name, remote);
    others.emplace_back(nodes[i]->name, remote);
  }
  if (member) {
    n.member = start_member(n, net, others, book);
    r.members.emplace_back(n.name, n.member);
  }
  n.router = keep(n, spawn_metadata_router(fx.system, std::move(r)));
  if (forgets) n.router = keep(n, fx.system.spawn(forgetful_metadata, n.router, forgets));

  peer_service_options p;
  p.shard = shard;
  p.metadata = n.member;
  p.gossiper = gossip;
  p.pins = n.pins.get();
  network.serve(n.address, handler_of(keep(n, spawn_peer_service(fx.system, std::move(p)))));

  replicator_options rep;
  rep.random = &n.random;
  rep.limits.piece_timeout = std::chrono::seconds{2};
  rep.limits.sync_timeout = std::chrono::seconds{2};
  rep.limits.slow_grace = std::chrono::milliseconds{500};
  n.replicator = keep(n, spawn_replicator(fx.system, std::move(rep)));

  n.counts = std::make_shared<live_node_counts>();
  n.era = std::make_shared<known_upload_era>();
  ring_manager_options m;
  m.cluster = sim_cluster_id;
  m.self.id = node_id{n.name};
  m.self.address = n.address;
  m.self.roles = {.storage = true, .metadata = member, .coordinator = true};
  m.metadata = n.router;
  m.member = n.member;
  m.gossiper = gossip;
  m.replicator = n.replicator;
  m.shard = shard;
  m.net = net;
  m.membership.down_after = std::chrono::seconds{5};
  m.addresses = book;
  m.nodes = n.counts;
  m.era = n.era;
  m.interval = std::chrono::milliseconds{200};
  m.clock = &clock;
  m.listed = {m.self};
  n.ring = keep(n, spawn_ring_manager(fx.system, std::move(m)));

  readers_options ask;
  ask.net = net;
  ask.pins = n.pins.get();
  ask.self = node_id{n.name};
  auto readers = keep(n, spawn_readers(fx.system, std::move(ask)));
  healer_options h;
  h.metadata = n.router;
  h.replicator = n.replicator;
  h.pins = n.pins.get();
  h.readers = readers;
  h.clock = &clock;
  h.clustered = true;
  h.grace_ms = 2000;
  h.compare_interval = std::chrono::seconds{10};
  auto heal = keep(n, fx.system.spawn(healer, std::move(h)));
  mover_options mv;
  mv.metadata = n.router;
  mv.replicator = n.replicator;
  mv.pins = n.pins.get();
  mv.readers = readers;
  mv.clock = &clock;
  mv.delay = std::chrono::seconds{3};
  mv.vacated_grace = std::chrono::seconds{2};
  mv.idle_interval = std::chrono::seconds{5};
  n.move = keep(n, fx.system.spawn(mover, std::move(mv)));
  sweeper_options sw;
  sw.metadata = n.router;
  sw.replicator = n.replicator;
  sw.pins = n.pins.get();
  sw.readers = readers;
  sw.clock = &clock;
  sw.clustered = true;
  sw.grace = orphan_grace;
  sw.interval = std::chrono::milliseconds{700};
  sw.era_length = era_length;
  auto sweep = keep(n, fx.system.spawn(sweeper, std::move(sw)));
  caf::anon_send(n.ring, mover_atom::value, heal, n.move, readers, sweep);
}

} // namespace troupe::test

#include "support/sim_cluster_client.hpp" // IWYU pragma: export
