#include "roles/node_process.hpp"

#include "actors/address_book.hpp"
#include "actors/forming_member.hpp"
#include "actors/gossiper.hpp"
#include "actors/metadata_router.hpp"
#include "actors/peer_methods.hpp"
#include "actors/peer_service.hpp"
#include "actors/remote_metadata.hpp"
#include "actors/replicator.hpp"
#include "actors/ring_manager.hpp"
#include "actors/surveyor.hpp"
#include "actors/syncer.hpp"
#include "actors/volume_manager.hpp"
#include "codec/digest.hpp"
#include "codec/text.hpp"
#include "core/map_change.hpp"
#include "core/read_pins.hpp"
#include "net/tcp_channel.hpp"
#include "roles/actor_config.hpp"
#include "roles/coordinator.hpp"
#include "roles/listed_node.hpp"
#include "roles/node_controls.hpp"
#include "roles/node_directory.hpp"
#include "store/disk.hpp"
#include "store/state.hpp"

#include <caf/all.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <thread>

namespace troupe {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds copy_timeout{15}; // of a page of a metadata member's state
constexpr std::uint64_t node_segment_bytes = std::uint64_t{64} << 20;

error in_role(const std::string& what, const error& e) { return fail(e.code, what + ": " + e.message); }

} // namespace

std::string cluster_id_of(const std::string& name) {
  auto digest = sha256(as_bytes("troupe cluster\n" + name));
  return hex_encode(bytes_view{digest}.first(16));
}

// Members in the order of their lives: what is below depends on what is above, and ends before it.
struct node_process::impl {
  impl(const cluster_config& c, const node_config& me, node_directory d, std::string id)
      : config(c), self(me), data(std::move(d)), cluster_id(std::move(id)) {}

  result<> open_channel();
  result<> start_storage();
  void start_gossip();
  std::string why_not_found();
  result<> start_member();
  void start_router();
  void start_surveyor();
  void serve_peers();
  void start_ring();
  result<> start_coordinator();
  // Ends one kind of actor and waits for it, so that nothing is asked of an actor that is gone.
  template <class Handle>
  void end(Handle& h);
  std::size_t stop(std::chrono::milliseconds grace);

  cluster_config config;
  node_config self;
  node_directory data;
  std::string cluster_id;
  std::shared_ptr<const fault_switches> faults; // empty: not enabled
  std::shared_ptr<event_log> events = std::make_shared<event_log>(system_clock_source());
  std::shared_ptr<tcp_channel> net; // outlives every actor that may answer a peer
  std::shared_ptr<address_book> addresses = std::make_shared<address_book>();
  std::shared_ptr<live_node_counts> counts = std::make_shared<live_node_counts>();
  read_pins pins; // of what is being read here
  std::shared_ptr<std::atomic<bool>> in_touch = std::make_shared<std::atomic<bool>>(false);
  std::unique_ptr<coordinator> front; // its io_contexts outlive the actor system: declared, so destroyed, around it
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
  ring_manager_actor ring_manager;
  bool stopped = false;
};

result<> node_process::impl::open_channel() {
  tcp_channel_options o;
  o.cluster = cluster_id;
  o.node = self.id.name;
  o.listen = to_string(self.address);
  if (auto tls = config.tls_of(self.id)) o.tls = {.ca = tls->ca, .certificate = tls->certificate, .key = tls->key};
  if (config.faults) {
    faults = make_fault_switches();
    spdlog::warn(
      "faults are enabled: whoever may administer this cluster may cut this node off, fail its disk and end it");
    o.faults = faults->network;
  }
  o.clock = &system_clock_source();
  o.random = &system_entropy();
  auto opened = tcp_channel::open(std::move(o));
  if (!opened) return opened.error();
  net = std::move(*opened);
  for (auto& n : config.nodes) addresses->set(n.id.name, to_string(n.address));
  addresses->set(self.id.name, net->address());
  return {};
}

result<> node_process::impl::start_storage() {
  volume_options o;
  o.node = self.id.name;
  o.cluster = cluster_id;
  o.directory = data.volume();
  o.store.directory = "shard";
  o.store.segment_bytes = node_segment_bytes;
  TROUPE_TRY(make_posix_disk(data.path())->make_directory("volume"));
  o.files = node_disk(o.directory, "storage", faults.get());
  auto started = spawn_volume_manager(system, o);
  if (!started) return in_role("storage", started.error());
  volume = *started;
  caf::scoped_actor asker{system};
  result<> asked;
  asker->request(volume, 30s, shards_atom::value)
    .receive([&](shard_actor& s) { shard = std::move(s); }, [&](caf::error& e) { asked = from_caf(e); });
  return asked;
}

void node_process::impl::start_gossip() {
  gossiper_options o;
  o.node = self.id;
  o.address = net->address();
  for (auto& n : config.nodes)
    if (n.id != self.id) o.seeds.push_back(to_string(n.address));
  for (auto& s : config.seeds) o.seeds.push_back(to_string(s));
  o.timing.interval = config.gossip.interval;
  o.timing.ack_timeout = config.gossip.interval * 3 / 10;
  o.timing.suspect_timeout = config.gossip.suspect_timeout;
  o.net = net;
  o.clock = &system_clock_source();
  o.random = &system_entropy();
  o.events = events;
  gossip = spawn_gossiper(system, std::move(o));
}

// Pieces without any metadata: a new group would not know them, and look like an empty store.
std::string node_process::impl::why_not_found() {
  std::uint64_t pieces = 0;
  if (shard) {
    caf::scoped_actor asker{system};
    asker->request(shard, 30s, status_atom::value)
      .receive([&](const wire<pb::shard_status>& s) { pieces = s->pieces(); }, [](const caf::error&) {});
  }
  if (pieces == 0) return {};
  return "no metadata group is founded: this node holds " + std::to_string(pieces) +
    " pieces that an empty one would not know. Put back the metadata directory of a member, or, to begin anew, "
    "remove " +
    data.path() + " on every node";
}

result<> node_process::impl::start_member() {
  for (auto& id : config.metadata.members) {
    if (id == self.id) continue;
    remote_members.push_back(spawn_remote_metadata(system, net, *addresses->find(id.name), 15s));
    group.emplace_back(id.name, remote_members.back());
  }
  if (!self.metadata) return {};
  auto directory = data.metadata();
  TROUPE_TRY(make_posix_disk(data.path())->make_directory("metadata"));
  auto base = open_lmdb_base({.path = directory + "/state"});
  if (!base) return in_role("metadata", base.error());
  forming_member_options o;
  auto& m = o.member;
  m.id = raft_id_of(self.id);
  m.address = self.id.name; // found in the address book
  m.members.clear();
  for (auto& id : config.metadata.members) m.members.push_back({raft_id_of(id), id.name});
  m.files = node_disk(directory, "metadata", faults.get());
  m.directory = "raft";
  m.base = std::move(*base);
  m.heartbeat = config.metadata.heartbeat;
  m.election = config.metadata.election_timeout;
  m.send = [net = net, book = addresses](
             std::uint64_t, const std::string& node, const wire<pb::raft_message>& message) {
    if (auto to = book->find(node)) net->post(*to, plane::control, to_peer(peer_method::metadata_raft, *message));
  };
  m.fetch = [net = net, book = addresses](std::uint64_t, const std::string& node, const pb::state_copy_request& request,
              std::function<void(result<pb::state_copy_page>)> done) {
    auto to = book->find(node);
    if (!to) return done(fail(ec::unavailable, "nobody knows where node " + node + " is"));
    net->call(*to, plane::bulk, to_peer(peer_method::metadata_copy, request), copy_timeout,
      [done = std::move(done)](
        result<peer_message> page) { done(page ? parse_head<pb::state_copy_page>(*page) : std::move(page).error()); });
  };
  metadata_syncer = spawn_syncer(system, true);
  metadata_worker = spawn_worker(system, true);
  m.syncer = metadata_syncer;
  m.worker = metadata_worker;
  auto there = m.files->exists("raft/vote");
  if (!there) return in_role("metadata", there.error());
  o.pristine = !*there;
  o.must_not_found = why_not_found();
  auto& first = config.metadata.members;
  o.founder = std::find(first.begin(), first.end(), self.id) != first.end();
  for (auto& g : group) o.others.emplace_back(g.node, g.actor);
  member = spawn_forming_member(system, std::move(o));
  group.emplace_back(self.id.name, member);
  return {};
}

void node_process::impl::start_router() {
  metadata_router_options o;
  o.members = group;
  o.reach = [this](const std::string& node) {
    auto to = addresses->find(node);
    return to ? spawn_remote_metadata(system, net, *to, 15s) : metadata_actor{};
  };
  router = spawn_metadata_router(system, std::move(o));
}

void node_process::impl::start_surveyor() {
  if (!self.coordinator) return;
  surveyor_options s;
  s.cluster = cluster_id;
  s.view.local = self.id;
  s.gossiper = gossip;
  for (auto& m : group) s.members.emplace_back(node_id{m.node}, m.actor);
  s.net = net;
  s.controls = controls;
  s.events = events;
  surveyor = spawn_surveyor(system, std::move(s));
}

void node_process::impl::serve_peers() {
  peer_service_options o;
  o.shard = shard;
  o.metadata = member;
  o.gossiper = gossip;
  if (self.coordinator) o.pins = &pins;
  o.surveyor = surveyor;
  o.controls = controls;
  service = spawn_peer_service(system, std::move(o));
  net->start(handler_of(service));
}

void node_process::impl::start_ring() {
  if (self.coordinator) {
    replicator_options r;
    r.random = &system_entropy();
    replicator = spawn_replicator(system, std::move(r));
  }
  ring_manager_options o;
  o.cluster = cluster_id;
  o.self = listed_node(self);
  o.self.address = net->address();
  o.metadata = router;
  o.member = member;
  o.gossiper = gossip;
  o.replicator = replicator;
  o.surveyor = surveyor;
  o.shard = shard;
  o.net = net;
  for (auto& n : config.nodes) o.listed.push_back(listed_node(n));
  o.membership.down_after = config.gossip.dead_timeout;
  o.addresses = addresses;
  o.nodes = counts;
  o.in_touch = in_touch;
  o.interval = std::clamp(config.gossip.interval / 2, 50ms, 1000ms);
  o.clock = &system_clock_source();
  o.events = events;
  ring_manager = spawn_ring_manager(system, std::move(o));
}

result<> node_process::impl::start_coordinator() {
  if (!self.coordinator) return {};
  auto keys = cluster_credentials(config);
  if (!keys) return keys.error();
  coordinator_options o;
  o.s3 = self.s3;
  o.console = self.console;
  o.fronts = self.fronts;
  o.shards = config.shards;
  o.reachable_host = self.address.host;
  o.io_threads = std::clamp(std::thread::hardware_concurrency(), 1u, 16u);
  o.memory_bytes = config.upload_memory_bytes;
  o.inline_bytes_max = config.cluster.inline_limit_bytes;
  o.redundancy = {.copies = config.cluster.replica_count,
    .data = config.cluster.erasure_data,
    .parity = config.cluster.erasure_parity,
    .piece_bytes = static_cast<std::uint32_t>(config.cluster.piece_bytes)};
  o.keys = *keys;
  o.region = config.region;
  o.metadata = router;
  o.replicator = replicator;
  o.surveyor = surveyor;
  o.ring_manager = ring_manager;
  o.nodes = counts;
  o.reclaim_grace = config.healing.reclaim_grace;
  o.faults = faults;
  o.events = events;
  o.pins = &pins;
  o.net = net;
  o.self = self.id;
  o.heal_delay = config.healing.delay;
  o.heal_bytes_per_second = config.healing.rate_bytes;
  o.compare_interval = config.healing.compare_interval;
  o.able = [in_touch = in_touch] { return in_touch->load(); };
  o.clock = &system_clock_source();
  o.random = &system_entropy();
  auto started = coordinator::start(system, std::move(o));
  if (!started) return started.error();
  front = std::move(*started);
  return {};
}

template <class Handle>
void node_process::impl::end(Handle& h) {
  if (!h) return;
  caf::scoped_actor ender{system};
  ender->send_exit(h, caf::exit_reason::user_shutdown);
  ender->wait_for(h);
  h = nullptr;
}

std::size_t node_process::impl::stop(std::chrono::milliseconds grace) {
  if (stopped) return 0;
  stopped = true;
  auto cut = front ? front->stop(grace) : 0;
  if (gossip) caf::anon_send(gossip, leave_atom::value);
  end(ring_manager);
  end(surveyor);
  end(replicator);
  end(router);
  end(member); // hands its leadership over, if it has it
  for (auto& m : remote_members) end(m);
  group.clear();
  end(gossip);
  if (net) net->stop();
  end(service);
  shard = nullptr;
  end(volume);
  end(metadata_syncer);
  end(metadata_worker);
  return cut;
}

node_process::node_process(std::unique_ptr<impl> i) : impl_(std::move(i)) {}

node_process::~node_process() {
  if (impl_) impl_->stop(0ms);
}

result<std::unique_ptr<node_process>> node_process::start(const cluster_config& config, const node_id& self) {
  auto* me = config.find(self);
  if (me == nullptr) return fail(ec::bad_argument, "the configuration has no node '" + self.name + "'");
  auto id = cluster_id_of(config.cluster_name);
  auto data = node_directory::open(me->data_dir, id, self);
  if (!data) return data.error();
  // From here on a failure runs the destructor, which ends what was started.
  std::unique_ptr<node_process> process{
    new node_process{std::make_unique<impl>(config, *me, std::move(*data), std::move(id))}};
  auto& s = *process->impl_;
  TROUPE_TRY(s.open_channel());
  if (me->storage) TROUPE_TRY(s.start_storage());
  s.start_gossip();
  TROUPE_TRY(s.start_member());
  s.controls = make_node_controls(s.system_config.census, s.net, s.faults, s.events);
  s.start_surveyor();
  s.serve_peers();
  s.start_router();
  s.start_ring();
  TROUPE_TRY(s.start_coordinator());
  return process;
}

std::string node_process::address() const { return impl_->net->address(); }
std::optional<host_port> node_process::s3() const {
  return impl_->front ? std::optional{impl_->front->s3()} : std::nullopt;
}
std::optional<host_port> node_process::console() const {
  return impl_->front ? std::optional{impl_->front->console()} : std::nullopt;
}
front_addresses node_process::fronts() const { return impl_->front ? impl_->front->fronts() : front_addresses{}; }
std::size_t node_process::stop(std::chrono::milliseconds grace) { return impl_->stop(grace); }

} // namespace troupe
