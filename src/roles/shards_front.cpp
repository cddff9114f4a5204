#include "roles/shards_front.hpp"

#include "actors/failover_elector.hpp"
#include "actors/metadata_catalog.hpp"
#include "actors/worker.hpp"
#include "api/shards/authenticator.hpp"
#include "api/shards/server.hpp"
#include "base/monotonic_clock.hpp"
#include "net/http_post.hpp"
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
  o.device = v.ebs.device;
  return make_aws_ebs(std::move(o));
}

} // namespace

// Members in the order of their lives.
struct shards_front::impl {
  impl(caf::actor_system& s, shards_front_options o) : system(s), options(std::move(o)) {}
  result<> attach();
  result<> serve();
  void elect();
  void sweep();

  caf::actor_system& system;
  shards_front_options options;
  std::vector<std::unique_ptr<attached_volume>> attached;
  std::vector<std::shared_ptr<volume>> volumes;
  std::shared_ptr<shard_catalog> catalog;
  std::unique_ptr<shard_manager> manager;
  std::unique_ptr<shards::client_tokens> clients;
  std::unique_ptr<shards::server> server;
  std::vector<worker_actor> workers;
  std::vector<failover_elector_actor> electors;
  std::mutex mutex;
  std::condition_variable ended;
  bool stopping = false;
  std::thread sweeper;
  bool stopped = false;
};

result<> shards_front::impl::attach() {
  for (const auto& v : options.volumes) {
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
    volumes.push_back(std::make_shared<volume>(std::move(o)));
    attached.push_back(std::move(*got));
  }
  return {};
}

result<> shards_front::impl::serve() {
  catalog = make_metadata_catalog(system, options.metadata);
  shard_manager_options m;
  m.node = options.node;
  m.delete_grace = options.delete_grace;
  m.clock = options.clock;
  m.time = &system_monotonic_clock();
  manager = std::make_unique<shard_manager>(std::move(m), catalog, volumes);
  clients = std::make_unique<shards::client_tokens>(options.secret);
  shards::service_options s;
  s.node = options.node;
  s.manager = manager.get();
  s.clients = clients.get();
  s.clock = options.clock;
  auto started = shards::server::start(options.where.host, options.where.port, std::move(s));
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
    e.lease.provider = options.volumes[n].provider;
    e.lease.duration = v->shared() ? options.lease : 0ms;
    e.lease.margin = options.lease / 10;
    e.metadata = options.metadata;
    e.worker = workers.back();
    e.volume = v;
    e.clock = &system_monotonic_clock();
    electors.push_back(spawn_failover_elector(system, std::move(e)));
  }
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
  i.elect();
  i.sweeper = std::thread{[&i] { i.sweep(); }};
  return made;
}

host_port shards_front::where() const { return impl_->options.where; }

void shards_front::stop(std::chrono::milliseconds grace) {
  auto& i = *impl_;
  if (i.stopped) return;
  i.stopped = true;
  {
    std::lock_guard lock{i.mutex};
    i.stopping = true;
  }
  i.ended.notify_all();
  if (i.sweeper.joinable()) i.sweeper.join();
  if (i.server) i.server->stop(grace);
  caf::scoped_actor self{i.system};
  for (auto& e : i.electors)
    self->request(e, 5s, leave_atom::value)
      .receive([] {}, [&](const caf::error&) { self->send_exit(e, caf::exit_reason::user_shutdown); });
  i.electors.clear();
  for (auto& w : i.workers) {
    self->send_exit(w, caf::exit_reason::user_shutdown);
    self->wait_for(w);
  }
  i.workers.clear();
  i.server.reset();
  i.manager.reset();
  i.catalog.reset(); // its hold on METADATA
  i.options.metadata = nullptr;
  i.volumes.clear();
  i.attached.clear();
}

} // namespace troupe
