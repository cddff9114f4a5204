#include "roles/development_store.hpp"

#include "actors/metadata.hpp"
#include "actors/process_controls.hpp"
#include "actors/replicator.hpp"
#include "actors/surveyor.hpp"
#include "actors/syncer.hpp"
#include "actors/volume_manager.hpp"
#include "actors/worker.hpp"
#include "core/event_log.hpp"
#include "roles/actor_config.hpp"
#include "roles/data_directory.hpp"
#include "store/disk.hpp"
#include "store/state.hpp"

#include <caf/all.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <filesystem>
#include <thread>
#include <vector>

namespace troupe {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t node_segment_bytes = std::uint64_t{64} << 20;

// On this machine, when it listens on all addresses.
host_port reachable(host_port where) {
  if (where.host == "0.0.0.0") where.host = "127.0.0.1";
  if (where.host == "::") where.host = "::1";
  return where;
}

error in_role(const std::string& what, const error& e) { return fail(e.code, what + ": " + e.message); }

} // namespace

// Members in the order of their lives: what is below depends on what is above, and ends before it.
struct development_store::impl {
  explicit impl(data_directory d) : data(std::move(d)) {}

  result<> start_metadata();
  result<> start_nodes(unsigned count);
  void start_replicator();
  result<> start_coordinator(const development_options&);
  // Ends one kind of actor and waits for it, so that nothing is asked of an actor that is gone.
  template <class Handle>
  void end(Handle& h);
  std::size_t stop(std::chrono::milliseconds grace);

  data_directory data;
  credentials keys;
  std::unique_ptr<coordinator> front; // its io_contexts outlive the actor system: declared, so destroyed, around it
  actor_config config;
  caf::actor_system system{config};
  syncer_actor metadata_syncer;
  worker_actor metadata_worker;
  metadata_actor metadata;
  std::vector<volume_manager_actor> volumes;
  cluster_view cluster;
  replicator_actor replicator;
  surveyor_actor surveyor;
  std::shared_ptr<event_log> events = std::make_shared<event_log>(system_clock_source());
  bool stopped = false;
};

result<> development_store::impl::start_metadata() {
  auto base = open_lmdb_base({.path = data.metadata() + "/state"});
  if (!base) return in_role("metadata", base.error());
  metadata_options o;
  o.files = make_posix_disk(data.metadata());
  o.directory = "raft";
  o.base = std::move(*base);
  metadata_syncer = spawn_syncer(system, true);
  metadata_worker = spawn_worker(system, true);
  o.syncer = metadata_syncer;
  o.worker = metadata_worker;
  auto started = spawn_metadata(system, std::move(o));
  if (!started) return in_role("metadata", started.error());
  metadata = std::move(*started);
  return {};
}

result<> development_store::impl::start_nodes(unsigned count) {
  std::vector<ring_node> places;
  caf::scoped_actor self{system};
  for (unsigned n = 1; n <= count; ++n) {
    volume_options o;
    o.node = "node-" + std::to_string(n);
    o.cluster = data.cluster_id();
    o.directory = data.node(n);
    o.had_data = n <= data.nodes_before();
    o.store.directory = "shard";
    o.store.segment_bytes = node_segment_bytes;
    auto started = spawn_volume_manager(system, o);
    if (!started && started.error().code == ec::conflict) return in_role(o.node, started.error());
    if (!started) { // the store goes on without it, as with any lost node
      spdlog::error("{}: its volume does not open, the store goes on without it: {}", o.node, started.error().message);
      cluster.nodes.emplace_back(node_id{o.node}, shard_actor{});
    } else {
      volumes.push_back(*started);
      result<> asked;
      self->request(*started, 30s, shards_atom::value)
        .receive([&](shard_actor& s) { cluster.nodes.emplace_back(node_id{o.node}, std::move(s)); },
          [&](caf::error& e) { asked = from_caf(e); });
      if (!asked) return in_role(o.node, asked.error());
    }
    places.push_back({.id = node_id{o.node}, .zone = {}, .weight = 1});
  }
  cluster.places = ring{std::move(places)};
  return {};
}

void development_store::impl::start_replicator() {
  replicator_options o;
  o.cluster = cluster;
  o.random = &system_entropy();
  replicator = spawn_replicator(system, std::move(o));
  surveyor_options s;
  s.cluster = data.cluster_id();
  s.view = cluster;
  s.members.emplace_back(node_id{"metadata-1"}, metadata);
  auto controls = std::make_shared<process_controls>();
  controls->census = &config.census;
  s.controls = std::move(controls);
  s.events = events;
  surveyor = spawn_surveyor(system, std::move(s));
}

result<> development_store::impl::start_coordinator(const development_options& options) {
  coordinator_options o;
  o.s3 = options.s3;
  o.console = options.console;
  o.fronts = options.fronts;
  o.shards.volumes.push_back(
    {.volume = {.id = "volume-1", .provider = "local-dir", .path = data.volume("volume-1")}, .nodes = {}});
  o.io_threads = std::clamp(std::thread::hardware_concurrency(), 1u, 16u);
  o.keys = keys;
  o.metadata = metadata;
  o.replicator = replicator;
  o.surveyor = surveyor;
  o.events = events;
  o.nodes = std::make_shared<live_node_counts>(node_counts{cluster.nodes.size(), cluster.nodes.size()});
  o.reclaim_grace = 10s; // every reader is in this process, and pinned
  o.clock = &system_clock_source();
  o.random = &system_entropy();
  auto started = coordinator::start(system, std::move(o));
  if (!started) return started.error();
  front = std::move(*started);
  return {};
}

template <class Handle>
void development_store::impl::end(Handle& h) {
  if (!h) return;
  caf::scoped_actor self{system};
  self->send_exit(h, caf::exit_reason::user_shutdown);
  self->wait_for(h);
  h = nullptr;
}

std::size_t development_store::impl::stop(std::chrono::milliseconds grace) {
  if (stopped) return 0;
  stopped = true;
  auto cut = front ? front->stop(grace) : 0;
  end(surveyor);
  end(replicator);
  cluster = {};
  for (auto& v : volumes) end(v);
  end(metadata);
  end(metadata_syncer);
  end(metadata_worker);
  return cut;
}

development_store::development_store(std::unique_ptr<impl> i) : impl_(std::move(i)) {}

development_store::~development_store() {
  if (impl_) impl_->stop(0ms);
}

result<std::unique_ptr<development_store>> development_store::start(const development_options& options) {
  auto data = data_directory::open(options.path, options.nodes, system_entropy());
  if (!data) return data.error();
  auto i = std::make_unique<impl>(std::move(*data));
  // From here on a failure runs the destructor, which ends what was started.
  std::unique_ptr<development_store> store{new development_store{std::move(i)}};
  auto& s = *store->impl_;
  auto keys = load_or_make_credentials(s.data.path(), system_entropy());
  if (!keys) return keys.error();
  s.keys = std::move(*keys);
  TROUPE_TRY(s.start_metadata());
  TROUPE_TRY(s.start_nodes(options.nodes));
  s.start_replicator();
  TROUPE_TRY(s.start_coordinator(options));
  TROUPE_TRY(write_addresses(s.data.path(), store->endpoint(), to_string(reachable(store->console()))));
  return store;
}

const std::string& development_store::path() const { return impl_->data.path(); }
const credentials& development_store::keys() const { return impl_->keys; }
host_port development_store::s3() const { return impl_->front->s3(); }
host_port development_store::console() const { return impl_->front->console(); }
front_addresses development_store::fronts() const { return impl_->front->fronts(); }

std::string development_store::endpoint() const { return "http://" + to_string(reachable(s3())); }

std::size_t development_store::stop(std::chrono::milliseconds grace) { return impl_->stop(grace); }

} // namespace troupe
