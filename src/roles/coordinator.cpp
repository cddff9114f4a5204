#include "roles/coordinator.hpp"

#include "actors/census.hpp"
#include "actors/directory_drainer.hpp"
#include "actors/healer.hpp"
#include "actors/mover.hpp"
#include "actors/readers.hpp"
#include "actors/sweeper.hpp"
#include "api/admin/admin.hpp"
#include "api/admin/console.hpp"
#include "api/directory/directory.hpp"
#include "api/files/files.hpp"
#include "api/files/verifier.hpp"
#include "api/metrics/file_log_metrics.hpp"
#include "api/metrics/metrics.hpp"
#include "api/objects/clustered_store.hpp"
#include "api/s3/surface.hpp"
#include "api/s3db/s3db.hpp"
#include "api/storage/storage.hpp"
#include "core/read_pins.hpp"
#include "core/upload_era.hpp"
#include "roles/console_server.hpp"
#include "roles/failure_log.hpp"
#include "roles/front_certificate.hpp"
#include "roles/front_door.hpp"
#include "roles/identity_service.hpp"
#include "roles/observation.hpp"
#include "roles/shards_front.hpp"

#include <caf/all.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace troupe {
namespace {

constexpr std::uint64_t front_memory_bytes = std::uint64_t{32} << 20; // for content of each front door beside S3

clustered_store_options store_options(const coordinator_options& o) {
  clustered_store_options s;
  s.metadata = o.metadata;
  s.replicator = o.replicator;
  s.clock = o.clock;
  s.random = o.random;
  s.pins = o.pins;
  s.nodes = o.nodes;
  s.era = o.era;
  s.redundancy = o.redundancy;
  s.inline_bytes_max = o.inline_bytes_max;
  s.encrypt = o.encrypt_content;
  s.tracing = o.observed->tracing();
  return s;
}

identity_service_options identity_options(const coordinator_options& o) {
  return {.settings = o.identity,
    .audit = o.audit,
    .root = o.keys,
    .metadata = o.metadata,
    .clock = o.clock,
    .random = o.random};
}

admin::config admin_config(const coordinator_options& o, const identity_service& identity) {
  return {.identity = identity.gate(),
    .clock = *o.clock,
    .actors_of = front_door::actors_of,
    .metadata = o.metadata,
    .surveyor = o.surveyor,
    .faults = o.faults,
    .events = o.events,
    .ring_manager = o.ring_manager,
    .identities = identity.administration(),
    .volumes = o.volumes};
}

surface_context context_of(const coordinator_options& o, const identity_service& identity) {
  return {.store_of = front_door::store_of,
    .actors_of = front_door::actors_of,
    .metadata = o.metadata,
    .member = o.member,
    .node = o.member_name,
    .surveyor = o.surveyor,
    .ring_manager = o.ring_manager,
    .s3db_of = [all = o.s3db_of](const std::string& node) -> std::optional<std::string> {
      auto found = all.find(node);
      return found == all.end() || found->second.port == 0 ? std::nullopt : std::optional{to_string(found->second)};
    },
    .files = {.segment_bytes = o.files.segment_bytes,
      .segments_kept = o.files.segments_kept,
      .cache_bytes = o.files.cache_bytes,
      .verify_interval = o.files.verify_interval,
      .verified = {}},
    .identity = &identity.gate(),
    .clock = o.clock,
    .random = o.random,
    .region = o.region};
}

} // namespace

unsigned usual_io_threads() {
  auto processors = std::max(std::thread::hardware_concurrency(), 1u);
  return std::max(std::min(processors, 16u), std::min(2 * processors, 4u));
}

struct coordinator::impl {
  coordinator_options options;
  failure_log failures;
  std::unique_ptr<identity_service> identity;
  std::unique_ptr<front_certificate> certificate; // of every front door
  http::observer* watcher = nullptr;              // of every front door
  metrics::request_metrics requests;              // of every front door
  metrics::file_log_metrics file_log{requests.registry()};
  std::atomic<bool> ready{false};
  std::unique_ptr<s3::surface> surface;
  clustered_store_options store;
  std::vector<std::unique_ptr<front_door>> doors; // s3, console, then those that are switched on
  std::mutex shards_mutex;                        // of the pointer
  std::unique_ptr<shards_front> shards;

  // `label` names it in metrics.
  result<host_port> open(caf::actor_system&, const char* label, front_door_options);
  result<> open_s3(caf::actor_system&);
  result<> open_console(caf::actor_system&);
  result<> open_fronts(caf::actor_system&);
  result<> open_shards(caf::actor_system&);
  metrics::process_sources sources();
  void start_healing(caf::actor_system&);
  void end_healing(); // without waiting

  healer_actor heal;
  mover_actor move;
  sweeper_actor sweep;
  readers_actor readers;
  directory_drainer_actor drainer;
  bool stopped = false;
};

coordinator::coordinator(std::unique_ptr<impl> i) : impl_(std::move(i)) {}

coordinator::~coordinator() { stop(std::chrono::milliseconds{0}); }

result<host_port> coordinator::impl::open(caf::actor_system& system, const char* label, front_door_options o) {
  o.watcher = &requests.observer_of(label, watcher);
  o.tracing = options.observed->tracing();
  o.surface = label;
  o.tls = certificate->of(label);
  doors.push_back(std::make_unique<front_door>(system, store, std::move(o)));
  TROUPE_TRY(doors.back()->start());
  return doors.back()->where();
}

result<> coordinator::impl::open_s3(caf::actor_system& system) {
  s3::surface_config config{
    .identity = identity->gate(),
    .store_of = front_door::store_of,
    .clock = *options.clock,
    .region = options.region,
  };
  surface = std::make_unique<s3::surface>(std::move(config));
  front_door_options o;
  o.name = "S3";
  o.where = options.s3;
  o.threads = options.io_threads;
  o.memory_bytes = options.memory_bytes;
  o.handle = surface->handler();
  o.render_error = [&front = *surface](const http::request* rq, const error& e, int& status, std::string_view id,
                     std::string& type) { return front.render_error(rq, e, status, id, type); };
  o.request_id_field = "x-amz-request-id";
  auto where = open(system, "s3", std::move(o));
  if (!where) return where.error();
  options.s3 = *where;
  return {};
}

// The shards surface opens after the console, and ends before it.
metrics::process_sources coordinator::impl::sources() {
  auto all = options.observed->sources(options.controls);
  if (auto end = certificate->end_of()) all.certificate_ends.emplace_back("https", std::move(end));
  all.volumes = [this] {
    std::lock_guard lock{shards_mutex};
    return shards ? shards->volumes() : std::vector<volume_facts>{};
  };
  return all;
}

result<> coordinator::impl::open_console(caf::actor_system& system) {
  front_door_options o;
  o.name = "the console";
  o.where = options.console;
  std::vector<console::mount> mounts;
  mounts.push_back({"/admin", admin::make_handler(admin_config(options, *identity))});
  auto objects = storage::make_handler({.context = context_of(options, *identity), .surveyor = options.surveyor});
  for (const auto* path : storage::paths) mounts.push_back({path, objects});
  mounts.push_back({"/metrics",
    metrics::make_handler({.actors_of = front_door::actors_of,
      .surveyor = options.surveyor,
      .metadata = options.metadata,
      .requests = requests,
      .own = sources(),
      .token = options.observed->metrics_token(),
      .latencies = options.latencies})});
  o.handle = console::make_handler(
    [this] { return ready.load() && identity->ready() && (!options.able || options.able()); }, std::move(mounts));
  o.render_error = [clock = options.clock](
                     const http::request* rq, const error& e, int& status, std::string_view id, std::string& type) {
    if (rq != nullptr && storage::owns(rq->target().path))
      return storage::render_error(e, status, id, type, clock->now());
    return console::render_error(rq, e, status, id, type);
  };
  o.connections_max = 256;
  auto where = open(system, "console", std::move(o));
  if (!where) return where.error();
  options.console = *where;
  return {};
}

result<> coordinator::impl::open_fronts(caf::actor_system& system) {
  const auto open_one = [&](const char* name, std::optional<host_port>& where, auto make, auto render,
                          decltype(front_door_options::background) background = {}) -> result<> {
    if (!where) return {};
    front_door_options o;
    o.name = name;
    o.where = *where;
    o.memory_bytes = front_memory_bytes;
    auto context = context_of(options, *identity);
    context.loopback_only = is_loopback(where->host);
    o.handle = make(std::move(context));
    o.render_error = render;
    o.connections_max = 1024;
    o.background = std::move(background);
    auto got = open(system, name, std::move(o));
    if (!got) return got.error();
    where = *got;
    return {};
  };
  auto& fronts = options.fronts;
  TROUPE_TRY(open_one("directory", fronts.directory, directory::make_handler, directory::render_error));
  TROUPE_TRY(open_one("files", fronts.files, files::make_handler, files::render_error,
    [this](http::worker& io, object_store& contents, http::actor_bridge& actors) {
      auto context = context_of(options, *identity);
      context.files.verified = [this](const pb::file_log_verification& v) { file_log.set(v); };
      return files::verify_periodically(std::move(context), io, contents, actors);
    }));
  TROUPE_TRY(open_one("s3db", fronts.s3db, s3db::make_handler, s3db::render_error));
  return open_shards(system);
}

result<> coordinator::impl::open_shards(caf::actor_system& system) {
  auto& where = options.fronts.shards;
  if (!where) return {};
  shards_front_options o;
  o.node = options.self.name.empty() ? "node-1" : options.self.name;
  o.where = *where;
  if (where->host == "0.0.0.0" || where->host == "::") o.reachable_host = options.reachable_host;
  o.certificate = certificate->of("shards");
  o.identity = &identity->gate();
  o.watcher = &requests.observer_of("shards", watcher);
  o.config = options.shards;
  if (options.controls) o.desk = options.controls->volumes;
  o.tracing = options.observed->tracing();
  o.metadata = options.metadata;
  o.clock = options.clock;
  o.random = options.random;
  auto started = shards_front::start(system, std::move(o));
  if (!started) return fail(started.error().code, "shards: " + started.error().message);
  where = (*started)->where();
  std::lock_guard lock{shards_mutex};
  shards = std::move(*started);
  return {};
}

void coordinator::impl::start_healing(caf::actor_system& system) {
  auto& o = options;
  bool clustered = static_cast<bool>(o.ring_manager);
  if (clustered) {
    readers_options ask;
    ask.net = o.net;
    ask.pins = store.pins;
    ask.self = o.self;
    readers = spawn_readers(system, std::move(ask));
    mover_options m;
    m.metadata = o.metadata;
    m.replicator = o.replicator;
    m.pins = store.pins;
    m.readers = readers;
    m.clock = o.clock;
    m.delay = o.healing.delay;
    m.rate = o.heal_rate;
    m.vacated_grace = o.healing.reclaim_grace;
    move = spawn_counted(system, mover, std::move(m));
  }
  sweeper_options s;
  s.metadata = o.metadata;
  s.replicator = o.replicator;
  s.pins = store.pins;
  s.readers = readers;
  s.clock = o.clock;
  s.clustered = clustered;
  if (!clustered) s.era = o.era;
  s.grace = o.healing.orphan_grace;
  s.era_length = std::max<std::chrono::milliseconds>(upload_era::length_by_default, 2 * s.grace);
  s.interval = o.healing.sweep_interval;
  sweep = spawn_counted(system, sweeper, std::move(s));
  healer_options h;
  h.metadata = o.metadata;
  h.replicator = o.replicator;
  h.pins = store.pins;
  h.readers = readers;
  h.mover = move;
  h.sweeper = sweep;
  h.self = o.self.name;
  h.rate = o.heal_rate;
  h.clock = o.clock;
  h.grace_ms = o.healing.reclaim_grace.count();
  h.clustered = clustered;
  h.compare_interval = o.healing.compare_interval;
  heal = spawn_counted(system, healer, std::move(h));
  directory_drainer_options d;
  d.metadata = o.metadata;
  d.clock = o.clock;
  d.random = o.random;
  drainer = spawn_counted(system, directory_drainer, std::move(d));
  if (!clustered) return;
  caf::anon_send(o.ring_manager, mover_atom::value, heal, move, readers, sweep);
  caf::anon_send(o.surveyor, mover_atom::value, heal, move);
}

void coordinator::impl::end_healing() {
  auto end = [](auto& handle) {
    if (handle) caf::anon_send_exit(handle, caf::exit_reason::user_shutdown);
    handle = nullptr;
  };
  end(heal);
  end(move);
  end(sweep);
  end(readers);
  end(drainer);
}

result<std::unique_ptr<coordinator>> coordinator::start(caf::actor_system& system, coordinator_options options) {
  auto i = std::make_unique<impl>();
  i->options = std::move(options);
  i->store = store_options(i->options);
  auto certificate = front_certificate::start(i->options.https, *i->options.clock);
  if (!certificate) return certificate.error();
  i->certificate = std::move(*certificate);
  auto identity = identity_service::start(system, identity_options(i->options));
  if (!identity) return identity.error();
  i->identity = std::move(*identity);
  i->store.master = i->identity->administration().master;
  i->watcher = &i->identity->watch(i->failures);
  TROUPE_TRY(i->open_s3(system));
  TROUPE_TRY(i->open_console(system));
  TROUPE_TRY(i->open_fronts(system));
  i->start_healing(system);
  i->ready = true;
  return std::unique_ptr<coordinator>{new coordinator{std::move(i)}};
}

host_port coordinator::s3() const { return impl_->options.s3; }
host_port coordinator::console() const { return impl_->options.console; }
front_addresses coordinator::fronts() const { return impl_->options.fronts; }

std::size_t coordinator::stop(std::chrono::milliseconds grace) {
  if (impl_->stopped) return 0;
  impl_->stopped = true;
  impl_->ready = false;
  const auto until = std::chrono::steady_clock::now() + grace;
  using namespace std::chrono;
  const auto left = [&] { return std::max(duration_cast<milliseconds>(until - steady_clock::now()), milliseconds{0}); };
  std::size_t cut = 0;
  for (auto& door : impl_->doors) cut += door->stop(left());
  if (impl_->shards) {
    impl_->shards->stop(left());
    std::lock_guard lock{impl_->shards_mutex};
    impl_->shards.reset();
  }
  impl_->identity->stop();
  impl_->end_healing();
  impl_->options.metadata = nullptr;
  impl_->options.member = nullptr;
  impl_->options.replicator = nullptr;
  impl_->options.surveyor = nullptr;
  impl_->options.volumes = nullptr;
  impl_->options.ring_manager = nullptr;
  // Every io thread has ended. Suspended coroutines die with the io_contexts, and still use what hangs on them.
  for (auto& door : impl_->doors) door->close();
  impl_->doors.clear();
  impl_->store = {};
  return cut;
}

} // namespace troupe
