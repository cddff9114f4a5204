#include "roles/local_store.hpp"

#include "actors/metadata.hpp"
#include "actors/process_controls.hpp"
#include "actors/replicator.hpp"
#include "actors/surveyor.hpp"
#include "actors/syncer.hpp"
#include "actors/volume_manager.hpp"
#include "actors/worker.hpp"
#include "core/byte_rate.hpp"
#include "core/event_log.hpp"
#include "core/latency_histogram.hpp"
#include "core/read_pins.hpp"
#include "core/upload_era.hpp"
#include "roles/actor_config.hpp"
#include "roles/coordinator.hpp"
#include "roles/observation.hpp"
#include "store/disk.hpp"
#include "store/separated_base.hpp"

#include <caf/all.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace troupe {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t node_segment_bytes = std::uint64_t{64} << 20;

error in_role(const std::string& what, const error& e) { return fail(e.code, what + ": " + e.message); }

} // namespace

// Members in the order of their lives: what is below depends on what is above, and ends before it.
struct local_store::impl {
  result<> start_metadata(const local_store_options&);
  result<> start_nodes(const local_store_options&);
  void start_replicator(const local_store_options&);
  result<> start_coordinator(const local_store_options&);
  // Ends one kind of actor and waits for it, so that nothing is asked of an actor that is gone.
  template <class Handle>
  void end(Handle& h);
  std::size_t stop(std::chrono::milliseconds grace);

  impl(const healing_config& h, std::unique_ptr<observation> o)
      : heal_rate(std::make_shared<shared_byte_rate>(byte_rate{h.rate_bytes})), observed(std::move(o)) {}

  read_pins pins; // of what is in use
  std::shared_ptr<shared_byte_rate> heal_rate;
  const std::unique_ptr<observation> observed;
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
  volume_operator_actor volume_orders; // of shards' volumes
  std::shared_ptr<const process_controls> controls;
  std::shared_ptr<event_log> events = std::make_shared<event_log>(system_clock_source());
  std::shared_ptr<process_latencies> latencies = std::make_shared<process_latencies>();
  bool stopped = false;
};

result<> local_store::impl::start_metadata(const local_store_options& options) {
  auto base = open_separated_base({.path = options.metadata + "/state"});
  if (!base) return in_role("metadata", base.error());
  metadata_options o;
  o.files = make_posix_disk(options.metadata);
  o.directory = "raft";
  o.base = std::move(*base);
  o.tracing = observed->tracing();
  metadata_syncer = spawn_syncer(system, true, observed->metadata_syncs());
  metadata_worker = spawn_worker(system, true);
  o.syncer = metadata_syncer;
  o.worker = metadata_worker;
  o.latencies = latencies;
  auto started = spawn_metadata(system, std::move(o));
  if (!started) return in_role("metadata", started.error());
  metadata = std::move(*started);
  return {};
}

result<> local_store::impl::start_nodes(const local_store_options& options) {
  std::vector<ring_node> places;
  caf::scoped_actor self{system};
  for (auto& n : options.nodes) {
    volume_options o;
    o.node = n.id.name;
    o.cluster = options.cluster;
    o.directory = n.volume;
    o.had_data = n.had_data;
    o.store.directory = "shard";
    o.store.segment_bytes = node_segment_bytes;
    o.scrub_bytes_per_second = options.healing.scrub_rate_bytes;
    o.scrub_interval = options.healing.scrub_interval;
    o.sync_times = observed->piece_syncs();
    o.tracing = observed->tracing();
    auto started = spawn_volume_manager(system, o);
    if (!started && started.error().code == ec::conflict) return in_role(o.node, started.error());
    if (!started) { // the store goes on without it, as with any lost node
      spdlog::error("{}: its volume does not open, the store goes on without it: {}", o.node, started.error().message);
      cluster.nodes.emplace_back(n.id, shard_actor{});
    } else {
      volumes.push_back(*started);
      result<> asked;
      self->request(*started, 30s, shards_atom::value)
        .receive([&](shard_actor& s) { cluster.nodes.emplace_back(n.id, std::move(s)); },
          [&](caf::error& e) { asked = from_caf(e); });
      if (!asked) return in_role(o.node, asked.error());
    }
    if (n.weight != 0) places.push_back({.id = n.id, .zone = n.zone, .weight = n.weight});
  }
  cluster.places = ring{std::move(places)};
  return {};
}

void local_store::impl::start_replicator(const local_store_options& options) {
  replicator_options o;
  o.cluster = cluster;
  o.random = &system_entropy();
  o.pins = &pins;
  o.healing_rate = heal_rate;
  o.tracing = observed->tracing();
  replicator = spawn_replicator(system, std::move(o));
  surveyor_options s;
  s.cluster = options.cluster;
  s.view = cluster;
  s.members.emplace_back(options.metadata_name, metadata);
  auto made = std::make_shared<process_controls>();
  made->census = &config.census;
  controls = std::move(made);
  s.controls = controls;
  s.events = events;
  surveyor = spawn_surveyor(system, std::move(s));
  volume_operator_options v;
  v.surveyor = surveyor;
  v.controls = controls;
  volume_orders = spawn_volume_operator(system, std::move(v));
}

result<> local_store::impl::start_coordinator(const local_store_options& options) {
  auto places = static_cast<std::size_t>(
    std::count_if(options.nodes.begin(), options.nodes.end(), [](auto& n) { return n.weight != 0; }));
  coordinator_options o;
  o.s3 = options.s3;
  o.console = options.console;
  o.fronts = options.fronts;
  o.https = options.https;
  o.shards = options.shards;
  o.io_threads = usual_io_threads();
  o.memory_bytes = options.memory_bytes;
  o.inline_bytes_max = options.inline_bytes_max;
  o.encrypt_content = options.encrypt_content;
  o.redundancy = options.redundancy;
  o.keys = options.keys;
  o.identity = options.identity;
  o.audit = options.audit;
  o.region = options.region;
  o.metadata = metadata;
  o.member = metadata;
  o.member_name = options.metadata_name.name;
  if (auto where = options.fronts.s3db; where && where->host != "0.0.0.0" && where->host != "::")
    o.s3db_of.emplace(o.member_name, *where); // else it is what the client called it
  o.files = options.files;
  o.replicator = replicator;
  o.surveyor = surveyor;
  o.volumes = volume_orders;
  o.events = events;
  o.latencies = latencies;
  o.era = std::make_shared<known_upload_era>();
  o.nodes = std::make_shared<live_node_counts>(node_counts{places, places});
  o.pins = &pins;
  o.heal_rate = heal_rate;
  o.healing = options.healing;
  o.observed = observed.get();
  o.controls = controls;
  o.clock = &system_clock_source();
  o.random = &system_entropy();
  auto started = coordinator::start(system, std::move(o));
  if (!started) return started.error();
  front = std::move(*started);
  return {};
}

template <class Handle>
void local_store::impl::end(Handle& h) {
  if (!h) return;
  caf::scoped_actor self{system};
  self->send_exit(h, caf::exit_reason::user_shutdown);
  self->wait_for(h);
  h = nullptr;
}

std::size_t local_store::impl::stop(std::chrono::milliseconds grace) {
  if (stopped) return 0;
  stopped = true;
  auto cut = front ? front->stop(grace) : 0;
  end(volume_orders);
  end(surveyor);
  end(replicator);
  cluster = {};
  for (auto& v : volumes) end(v);
  end(metadata);
  end(metadata_syncer);
  end(metadata_worker);
  return cut;
}

local_store::local_store(std::unique_ptr<impl> i) : impl_(std::move(i)) {}

local_store::~local_store() {
  if (impl_) impl_->stop(0ms);
}

result<std::unique_ptr<local_store>> local_store::start(const local_store_options& options) {
  // From here on a failure runs the destructor, which ends what was started.
  auto observed = observation::start(options.observation, options.metadata_name.name);
  if (!observed) return observed.error();
  std::unique_ptr<local_store> store{new local_store{std::make_unique<impl>(options.healing, std::move(*observed))}};
  auto& s = *store->impl_;
  TROUPE_TRY(s.start_metadata(options));
  TROUPE_TRY(s.start_nodes(options));
  s.start_replicator(options);
  TROUPE_TRY(s.start_coordinator(options));
  return store;
}

host_port local_store::s3() const { return impl_->front->s3(); }
host_port local_store::console() const { return impl_->front->console(); }
front_addresses local_store::fronts() const { return impl_->front->fronts(); }
std::size_t local_store::stop(std::chrono::milliseconds grace) { return impl_->stop(grace); }

} // namespace troupe
