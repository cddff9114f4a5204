#include "roles/node_process_impl.hpp"

#include "actors/gossiper.hpp"
#include "actors/replicator.hpp"
#include "actors/ring_manager.hpp"
#include "actors/surveyor.hpp"
#include "actors/volume_manager.hpp"
#include "codec/digest.hpp"
#include "codec/text.hpp"
#include "core/map_change.hpp"
#include "net/tcp_channel.hpp"
#include "roles/listed_node.hpp"
#include "roles/node_controls.hpp"

#include <caf/all.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace troupe {

using namespace std::chrono_literals;

std::string cluster_id_of(const std::string& name) {
  auto digest = sha256(as_bytes("troupe cluster\n" + name));
  return hex_encode(bytes_view{digest}.first(16));
}

result<> node_process::impl::open_channel() {
  tcp_channel_options o;
  o.cluster = cluster_id;
  o.node = self.id.name;
  o.listen = to_string(self.listen);
  const auto tls = config.tls_of(self.id);
  if (tls) o.tls = {.ca = tls->ca, .certificate = tls->certificate, .key = tls->key};
  if (config.faults) {
    faults = make_fault_switches();
    spdlog::warn(
      "faults are enabled: whoever may administer this cluster may cut this node off, fail its disk and end it");
    o.faults = faults->network;
  }
  generation = std::make_shared<generation_keeper>(data.generation());
  o.generation = generation;
  o.clock = &system_clock_source();
  o.random = &system_entropy();
  auto opened = tcp_channel::open(std::move(o));
  if (!opened) return opened.error();
  net = std::move(*opened);
  if (tls) {
    shown = std::make_unique<peer_certificate>(
      peer_certificate_options{.certificate = tls->certificate, .ca = tls->ca}, system_clock_source());
    observed->watch_certificate("node", shown->end_of_own());
    observed->watch_certificate("authority", shown->end_of_authority());
  }
  for (auto& n : config.nodes) addresses->set(n.id.name, to_string(n.address));
  addresses->set(self.id.name, to_string(self.address));
  return {};
}

result<> node_process::impl::start_storage() {
  volume_options o;
  o.node = self.id.name;
  o.cluster = cluster_id;
  o.directory = data.volume();
  o.store.directory = "shard";
  o.scrub_bytes_per_second = config.healing.scrub_rate_bytes;
  o.scrub_interval = config.healing.scrub_interval;
  o.sync_times = observed->piece_syncs();
  o.tracing = observed->tracing();
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
  o.address = to_string(self.address);
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
  o.latencies = latencies;
  gossip = spawn_gossiper(system, std::move(o));
}

void node_process::impl::start_surveyor() {
  surveyor_options s;
  s.cluster = cluster_id;
  s.view.local = self.id;
  s.gossiper = gossip;
  for (auto& m : group) s.members.emplace_back(node_id{m.node}, m.actor);
  s.net = net;
  s.controls = controls;
  s.events = events;
  surveyor = spawn_surveyor(system, std::move(s));
  volume_operator_options v;
  v.surveyor = surveyor;
  v.net = net;
  v.controls = controls;
  volume_orders = spawn_volume_operator(system, std::move(v));
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
  generation->on_newer([this](const group_generation& g) { return take_over(g); });
  net->start(handler_of(service));
}

void node_process::impl::start_ring() {
  if (self.coordinator) {
    replicator_options r;
    r.random = &system_entropy();
    r.pins = &pins;
    r.healing_rate = heal_rate;
    r.tracing = observed->tracing();
    replicator = spawn_replicator(system, std::move(r));
  }
  ring_manager_options o;
  o.cluster = cluster_id;
  o.self = listed_node(self);
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
  o.era = era;
  o.in_touch = in_touch;
  o.interval = std::clamp(config.gossip.interval / 2, 50ms, 1000ms);
  o.clock = &system_clock_source();
  o.events = events;
  ring_manager = spawn_ring_manager(system, std::move(o));
}

redundancy redundancy_of(const cluster_config& c) {
  return {.copies = c.cluster.replica_count,
    .data = c.cluster.erasure_data,
    .parity = c.cluster.erasure_parity,
    .piece_bytes = static_cast<std::uint32_t>(c.cluster.piece_bytes)};
}

// Of a node that serves no clients. Their keys sign what operators ask, too; without them it only answers probes.
result<> node_process::impl::start_console() {
  auto keys = cluster_credentials(config);
  if (!keys)
    spdlog::warn(
      "the console of this node answers /health and /ready, but nothing under /admin: {}", keys.error().message);
  console_options o;
  o.where = self.console;
  o.https = config.https_of(self.id);
  if (keys) o.keys = *keys;
  o.identity = config.identity;
  o.identity.master_key_file.clear(); // it is for coordinators: users' SigV4 keys do not count here
  o.audit = config.audit_of(self);
  o.metadata = router;
  o.surveyor = surveyor;
  o.volumes = volume_orders;
  o.ring_manager = ring_manager;
  o.faults = faults;
  o.events = events;
  o.observed = observed.get();
  o.controls = controls;
  o.ready = [this] { return !stopping && in_touch->load(); };
  o.clock = &system_clock_source();
  o.random = &system_entropy();
  auto started = console_server::start(system, std::move(o));
  if (!started) return started.error();
  console = std::move(*started);
  return {};
}

result<> node_process::impl::start_coordinator() {
  auto keys = cluster_credentials(config);
  if (!keys) return keys.error();
  coordinator_options o;
  o.s3 = self.s3;
  o.console = self.console;
  o.fronts = self.fronts;
  o.https = config.https_of(self.id);
  o.shards = config.shards;
  o.reachable_host = self.address.host;
  o.io_threads = usual_io_threads();
  o.memory_bytes = config.upload_memory_bytes;
  o.inline_bytes_max = config.cluster.inline_limit_bytes;
  o.encrypt_content = config.cluster.encryption;
  o.redundancy = redundancy_of(config);
  o.keys = *keys;
  o.identity = config.identity;
  o.audit = config.audit_of(self);
  o.region = config.region;
  o.metadata = router;
  o.member = member;
  o.member_name = self.id.name;
  for (auto& n : config.nodes)
    if (auto where = n.fronts.s3db) {
      const bool all = where->host == "0.0.0.0" || where->host == "::";
      o.s3db_of.emplace(n.id.name, host_port{all ? n.address.host : where->host, where->port});
    }
  o.files = config.files;
  o.replicator = replicator;
  o.surveyor = surveyor;
  o.volumes = volume_orders;
  o.ring_manager = ring_manager;
  o.nodes = counts;
  o.faults = faults;
  o.events = events;
  o.latencies = latencies;
  o.era = era;
  o.pins = &pins;
  o.net = net;
  o.self = self.id;
  o.heal_rate = heal_rate;
  o.healing = config.healing;
  o.observed = observed.get();
  o.controls = controls;
  o.able = [in_touch = in_touch] { return in_touch->load(); };
  o.clock = &system_clock_source();
  o.random = &system_entropy();
  auto started = coordinator::start(system, std::move(o));
  if (!started) return started.error();
  front = std::move(*started);
  return {};
}

std::size_t node_process::impl::stop(std::chrono::milliseconds grace) {
  if (stopped) return 0;
  stopped = true;
  stopping = true;
  if (generation) generation->on_newer(nullptr); // it asks the member
  auto cut = front ? front->stop(grace) : 0;
  if (console) console->stop();
  if (gossip) caf::anon_send(gossip, leave_atom::value);
  end(ring_manager);
  end(volume_orders);
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
  auto data = node_directory::open(me->data_dir, {.cluster = id, .node = self});
  if (!data) return data.error();
  auto observed = observation::start(config.observation, self.name);
  if (!observed) return observed.error();
  // From here on a failure runs the destructor, which ends what was started.
  std::unique_ptr<node_process> process{
    new node_process{std::make_unique<impl>(config, *me, std::move(*data), std::move(id), std::move(*observed))}};
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
  TROUPE_TRY(me->coordinator ? s.start_coordinator() : s.start_console());
  return process;
}

std::string node_process::address() const { return impl_->net->address(); }
std::optional<host_port> node_process::s3() const {
  return impl_->front ? std::optional{impl_->front->s3()} : std::nullopt;
}
host_port node_process::console() const { return impl_->front ? impl_->front->console() : impl_->console->where(); }
front_addresses node_process::fronts() const { return impl_->front ? impl_->front->fronts() : front_addresses{}; }
std::size_t node_process::stop(std::chrono::milliseconds grace) { return impl_->stop(grace); }
std::optional<error> node_process::failure() const {
  std::lock_guard lock{impl_->failure_mutex};
  return impl_->failure;
}

} // namespace troupe
