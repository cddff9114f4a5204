#include "roles/shards_front.hpp"

#include "actors/failover_elector.hpp"
#include "actors/metadata_catalog.hpp"
#include "actors/worker.hpp"
#include "api/shards/server.hpp"
#include "base/monotonic_clock.hpp"
#include "net/http_post.hpp"
#include "roles/volume_orders.hpp"
#include "volumes/aws_ebs.hpp"
#include "volumes/shard_manager.hpp"

#include <caf/all.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>

namespace troupe {
namespace {

using namespace std::chrono_literals;

constexpr auto sweep_interval = 1s;
constexpr auto release_patience = 30s; // of a volume that has to be unmounted and detached
constexpr auto compact_interval = 1s;  // when there was nothing to do

// Waits without anybody who could end it sooner.
void pause(std::chrono::milliseconds t) {
  std::mutex m;
  std::condition_variable nobody;
  std::unique_lock lock{m};
  nobody.wait_for(lock, t, [] { return false; });
}

result<std::unique_ptr<volume_provider>> provider_of(const volume_config& v, const shards_front_options& options) {
  if (v.provider != "aws-ebs") return make_volume_provider(v.provider);
  const char *key = std::getenv("AWS_ACCESS_KEY_ID"), *secret = std::getenv("AWS_SECRET_ACCESS_KEY");
  if (key == nullptr || secret == nullptr)
    return fail(ec::bad_argument, "aws-ebs needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment");
  aws_ebs_options o;
  o.ec2.endpoint = v.ebs.endpoint.empty() ? "https://ec2." + v.ebs.region + ".amazonaws.com" : v.ebs.endpoint;
  o.ec2.region = v.ebs.region;
  o.ec2.access_key = key;
  o.ec2.secret_key = secret;
  o.ec2.exchange = [](const http_post_call& call) { return net::http_post(call); };
  o.ec2.wait = pause;
  o.ec2.clock = options.clock;
  o.ec2.random = options.random;
  o.volume = v.ebs.volume;
  o.instance = v.ebs.instance;
  if (auto mine = v.ebs.instances.find(options.node); mine != v.ebs.instances.end()) o.instance = mine->second;
  if (o.instance.empty()) return fail(ec::bad_argument, "ebs.instance names no instance for " + options.node);
  o.device = v.ebs.device;
  o.filesystem = v.ebs.filesystem;
  if (!o.filesystem.empty()) o.mounts = make_linux_mounts({.wait = pause});
  o.told = [id = v.id](const std::string& what) { spdlog::info("volume {}: {}", id, what); };
  return make_aws_ebs(std::move(o));
}

} // namespace

// Members in the order of their lives.
struct shards_front::impl {
  impl(caf::actor_system& s, shards_front_options o) : system(s), options(std::move(o)) {
    for (const auto& v : options.config.volumes)
      if (v.nodes.empty() || std::ranges::find(v.nodes, node_id{options.node}) != v.nodes.end())
        listed.push_back(v.volume);
  }
  result<> attach();
  result<> serve();
  void elect();
  void take_orders();
  void sweep();
  void compact();

  caf::actor_system& system;
  shards_front_options options;
  std::vector<volume_config> listed; // of this node
  std::vector<std::unique_ptr<attached_volume>> attached;
  std::vector<std::shared_ptr<volume>> volumes;
  std::shared_ptr<shard_catalog> catalog;
  std::unique_ptr<shard_manager> manager;
  std::unique_ptr<shards::server> server;
  std::unique_ptr<volume_orders> orders;
  std::vector<worker_actor> workers;
  std::vector<failover_elector_actor> electors;
  mutable std::mutex mutex; // of `stopping` and `seen`
  std::condition_variable ended;
  bool stopping = false;
  std::vector<volume_facts> seen; // as the sweep found them last
  std::thread sweeper, compactor;
  bool stopped = false;
};

result<> shards_front::impl::attach() {
  for (const auto& v : listed) {
    const auto named = [&](const error& e) { return fail(e.code, "volume " + v.id + ": " + e.message); };
    auto provider = provider_of(v, options);
    if (!provider) return named(provider.error());
    auto got = (*provider)->attach(v);
    if (!got) return named(got.error());
    shard_volume_options o;
    o.id = v.id;
    o.root = (*got)->root();
    o.shared = (*got)->shared();
    o.clock = &system_monotonic_clock();
    o.random = options.random;
    if ((*got)->exclusive()) {
      auto& device = **got; // outlives the volume
      o.acquire = [&device](const std::function<bool()>& mine) { return device.acquire(mine); };
      o.release = [&device] { return device.release(); };
    }
    volumes.push_back(std::make_shared<volume>(std::move(o)));
    attached.push_back(std::move(*got));
  }
  return {};
}

result<> shards_front::impl::serve() {
  catalog = make_metadata_catalog(system, options.metadata);
  shard_manager_options m;
  m.node = options.node;
  m.delete_grace = options.config.delete_grace;
  m.clock = options.clock;
  m.time = &system_monotonic_clock();
  m.snapshots.schedule.interval = options.config.snapshot_interval;
  m.snapshots.schedule.keep = options.config.snapshot_keep;
  m.snapshots.told = [](const std::string& volume, const std::string& name, const error* why) {
    if (why != nullptr)
      spdlog::error("volume {}: the regular snapshot {} failed: {}", volume, name, why->message);
    else
      spdlog::info("volume {}: the regular snapshot {} was made", volume, name);
  };
  for (std::size_t n = 0; n < volumes.size(); ++n)
    if (auto own = attached[n]->snapshots()) m.snapshots.stores.emplace(volumes[n]->id(), std::move(own));
  manager = std::make_unique<shard_manager>(std::move(m), catalog, volumes);
  shards::service_options s;
  s.node = options.node;
  s.manager = manager.get();
  s.identity = options.identity;
  s.watcher = options.watcher;
  s.clock = options.clock;
  s.time = &system_monotonic_clock();
  s.random = options.random;
  s.tracing = options.tracing;
  auto started = shards::server::start(options.where.host, options.where.port, std::move(s), options.certificate);
  if (!started) return started.error();
  server = std::move(*started);
  options.where.port = server->port();
  return {};
}

void shards_front::impl::elect() {
  for (std::size_t n = 0; n < volumes.size(); ++n) {
    const auto& v = volumes[n];
    workers.push_back(spawn_worker(system, true));
    failover_elector_options e;
    e.lease.self = options.node;
    e.lease.address = to_string(
      host_port{options.reachable_host.empty() ? options.where.host : options.reachable_host, options.where.port});
    e.lease.volume = v->id();
    e.lease.provider = listed[n].provider;
    e.lease.duration = v->shared() ? options.config.lease : 0ms;
    e.lease.margin = options.config.lease / 10;
    e.metadata = options.metadata;
    e.worker = workers.back();
    e.volume = v;
    e.clock = &system_monotonic_clock();
    electors.push_back(spawn_failover_elector(system, std::move(e)));
  }
}

void shards_front::impl::take_orders() {
  volume_orders_options o;
  o.manager = manager.get();
  o.seen = [this] {
    std::lock_guard lock{mutex};
    return seen;
  };
  o.retake = [this](const std::string& id) {
    for (std::size_t n = 0; n < volumes.size(); ++n)
      if (volumes[n]->id() == id) caf::anon_send(electors[n], retake_atom::value);
  };
  o.grow = [this](const std::string& id, const wanted_growth& wanted,
             const std::function<bool()>& mine) -> result<grown_volume> {
    for (std::size_t n = 0; n < volumes.size(); ++n)
      if (volumes[n]->id() == id) return attached[n]->grow(wanted, mine);
    return fail(ec::not_found, "this node has no volume " + id);
  };
  orders = std::make_unique<volume_orders>(std::move(o));
  if (options.desk)
    options.desk->open(
      [this](pb::volume_order order, volume_desk::on_report then) { orders->take(std::move(order), std::move(then)); });
}

void shards_front::impl::sweep() {
  std::unique_lock lock{mutex};
  while (!ended.wait_for(lock, sweep_interval, [&] { return stopping; })) {
    lock.unlock();
    auto removed = manager->sweep();
    if (!removed)
      spdlog::debug("shards: what was deleted stays for now: {}", removed.error().message);
    else if (*removed != 0)
      spdlog::info("shards: the data of {} deleted shards was removed", *removed);
    auto looked = manager->volumes();
    lock.lock();
    if (looked) seen = std::move(*looked);
  }
}

void shards_front::impl::compact() {
  const kv_compaction how{.dead_share = options.config.compaction.at_percent / 100.0};
  std::chrono::nanoseconds pause = compact_interval;
  std::string trouble;
  std::unique_lock lock{mutex};
  while (!ended.wait_for(lock, pause, [&] { return stopping; })) {
    lock.unlock();
    const auto step = manager->compact(how);
    pause = compact_interval;
    if (step && step->more)
      pause = std::chrono::nanoseconds{1s} * step->moved_bytes / options.config.compaction.rate_bytes;
    if (step) {
      trouble.clear();
    } else if (step.error().code != ec::unavailable && step.error().message != trouble) { // no lease: nothing to tell
      trouble = step.error().message;
      spdlog::warn("shards: compaction: {}", trouble);
    }
    lock.lock();
  }
}

shards_front::shards_front(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
shards_front::~shards_front() { stop(0ms); }

result<std::unique_ptr<shards_front>> shards_front::start(caf::actor_system& system, shards_front_options options) {
  std::unique_ptr<shards_front> made{new shards_front{std::make_unique<impl>(system, std::move(options))}};
  auto& i = *made->impl_;
  TROUPE_TRY(i.attach());
  TROUPE_TRY(i.serve());
  if (auto looked = i.manager->volumes()) i.seen = std::move(*looked);
  i.elect();
  i.take_orders();
  i.sweeper = std::thread{[&i] { i.sweep(); }};
  i.compactor = std::thread{[&i] { i.compact(); }};
  return made;
}

host_port shards_front::where() const { return impl_->options.where; }

std::vector<volume_facts> shards_front::volumes() const {
  std::unique_lock lock{impl_->mutex};
  auto all = impl_->seen;
  lock.unlock();
  for (auto& f : all) // the sweep may hang on a disk that does not answer
    if (auto* v = impl_->manager->find_volume(f.row.id())) f.lag = v->lag();
  return all;
}

void shards_front::stop(std::chrono::milliseconds grace) {
  auto& i = *impl_;
  if (i.stopped) return;
  i.stopped = true;
  {
    std::lock_guard lock{i.mutex};
    i.stopping = true;
  }
  i.ended.notify_all();
  if (i.options.desk) i.options.desk->close();
  if (i.orders) i.orders->stop();
  if (i.sweeper.joinable()) i.sweeper.join();
  if (i.compactor.joinable()) i.compactor.join();
  if (i.server) i.server->stop(grace);
  caf::scoped_actor self{i.system};
  for (std::size_t n = 0; n < i.electors.size(); ++n) {
    const auto& e = i.electors[n];
    const auto patience = i.volumes[n]->exclusive() ? release_patience : 5s;
    self->request(e, patience, leave_atom::value)
      .receive([] {}, [&](const caf::error&) { self->send_exit(e, caf::exit_reason::user_shutdown); });
  }
  i.electors.clear();
  for (auto& w : i.workers) {
    self->send_exit(w, caf::exit_reason::user_shutdown);
    self->wait_for(w);
  }
  i.workers.clear();
  i.server.reset();
  i.orders.reset();
  i.manager.reset();
  i.catalog.reset(); // its hold on METADATA
  i.options.metadata = nullptr;
  i.volumes.clear();
  i.attached.clear();
}

} // namespace troupe
