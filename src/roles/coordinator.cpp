#include "roles/coordinator.hpp"

#include "actors/healer.hpp"
#include "actors/mover.hpp"
#include "actors/readers.hpp"
#include "api/http/actor_bridge.hpp"
#include "api/http/budget.hpp"
#include "api/http/server.hpp"
#include "api/objects/clustered_store.hpp"
#include "api/s3/surface.hpp"
#include "core/read_pins.hpp"
#include "roles/console_server.hpp"
#include "roles/failure_log.hpp"

#include <caf/all.hpp>
#include <spdlog/spdlog.h>

#include <optional>
#include <vector>

namespace troupe {
namespace {

constexpr std::size_t admission_waiters_max = 4096; // per io thread; one more is answered 503

// What one io thread needs to serve S3; used on that thread only.
struct io_services {
  io_services(caf::actor_system& system, http::worker& io, std::uint64_t memory_bytes, const clustered_store_options& o)
      : bridge(system, io.context()),
        memory(io.context(), memory_bytes, admission_waiters_max),
        store(o, io, bridge, memory) {}
  http::actor_bridge bridge;
  http::budget memory;
  clustered_store store;
};

clustered_store_options store_options(const coordinator_options& o, read_pins& pins) {
  clustered_store_options s;
  s.metadata = o.metadata;
  s.replicator = o.replicator;
  s.clock = o.clock;
  s.random = o.random;
  s.pins = &pins;
  s.nodes = o.nodes;
  s.redundancy = o.redundancy;
  s.inline_bytes_max = o.inline_bytes_max;
  return s;
}

console_options console_of(const coordinator_options& o, const std::atomic<bool>& ready) {
  return {.where = o.console,
    .keys = o.keys,
    .metadata = o.metadata,
    .surveyor = o.surveyor,
    .ring_manager = o.ring_manager,
    .faults = o.faults,
    .ready = [&ready, able = o.able] { return ready.load() && (!able || able()); },
    .clock = o.clock,
    .random = o.random};
}

} // namespace

struct coordinator::impl {
  coordinator_options options;
  read_pins own_pins;
  failure_log failures;
  std::atomic<bool> ready{false};
  std::unique_ptr<s3::surface> surface;
  std::vector<std::unique_ptr<io_services>> services; // one per io thread of s3; outlive it
  std::unique_ptr<http::server> s3;
  std::unique_ptr<console_server> console;
  healer_actor heal;
  mover_actor move;
  readers_actor readers;
  bool stopped = false;
};

coordinator::coordinator(std::unique_ptr<impl> i) : impl_(std::move(i)) {}

coordinator::~coordinator() { stop(std::chrono::milliseconds{0}); }

result<std::unique_ptr<coordinator>> coordinator::start(caf::actor_system& system, coordinator_options options) {
  auto i = std::make_unique<impl>();
  i->options = std::move(options);
  auto& o = i->options;

  s3::surface_config surface{
    .secret_of = secret_lookup_of(o.keys),
    .store_of = [](http::request& rq) -> object_store& { return static_cast<io_services*>(rq.io().user)->store; },
    .clock = *o.clock,
    .region = o.region,
  };
  i->surface = std::make_unique<s3::surface>(std::move(surface));
  http::server_config s3{
    .clock = *o.clock,
    .random = *o.random,
    .handle = i->surface->handler(),
    .render_error = [&front = *i->surface](const http::request* rq, const error& e, int& status, std::string_view id,
                      std::string& type) { return front.render_error(rq, e, status, id, type); },
    .cut =
      [](http::worker& io) {
        static_cast<io_services*>(io.user)->bridge.fail_all(fail(ec::closed, "the store is stopping"));
      },
    .threads = o.io_threads,
    .host = o.s3.host,
    .port = o.s3.port,
    .watcher = &i->failures,
  };
  i->s3 = std::make_unique<http::server>(std::move(s3));
  auto& pins = o.pins != nullptr ? *o.pins : i->own_pins;
  auto shared = store_options(o, pins);
  for (unsigned n = 0; n < i->s3->threads(); ++n) {
    auto& io = i->s3->io(n);
    i->services.push_back(std::make_unique<io_services>(system, io, o.memory_bytes / i->s3->threads(), shared));
    io.user = i->services.back().get();
  }

  if (auto ok = i->s3->start(); !ok) return listening_failed("S3", o.s3, ok.error());
  o.s3.port = i->s3->port();
  auto console = console_server::start(system, console_of(o, i->ready));
  if (!console) {
    i->s3->stop(std::chrono::milliseconds{0});
    return console.error();
  }
  i->console = std::move(*console);
  o.console = i->console->where();

  healer_options heal;
  heal.metadata = o.metadata;
  heal.replicator = o.replicator;
  heal.pins = &pins;
  if (o.ring_manager) {
    readers_options ask;
    ask.net = o.net;
    ask.pins = &pins;
    ask.self = o.self;
    i->readers = spawn_readers(system, std::move(ask));
    heal.readers = i->readers;
  }
  heal.clock = o.clock;
  heal.grace_ms = o.reclaim_grace.count();
  heal.clustered = static_cast<bool>(o.ring_manager);
  heal.compare_interval = o.compare_interval;
  i->heal = system.spawn(healer, std::move(heal));
  if (o.ring_manager) {
    mover_options move;
    move.metadata = o.metadata;
    move.replicator = o.replicator;
    move.pins = &pins;
    move.readers = i->readers;
    move.clock = o.clock;
    move.delay = o.heal_delay;
    move.bytes_per_second = o.heal_bytes_per_second;
    move.vacated_grace = o.reclaim_grace;
    i->move = system.spawn(mover, std::move(move));
    caf::anon_send(o.ring_manager, mover_atom::value, i->heal, i->move, i->readers);
  }
  i->ready = true;
  return std::unique_ptr<coordinator>{new coordinator{std::move(i)}};
}

host_port coordinator::s3() const { return impl_->options.s3; }
host_port coordinator::console() const { return impl_->options.console; }

std::size_t coordinator::stop(std::chrono::milliseconds grace) {
  if (impl_->stopped) return 0;
  impl_->stopped = true;
  impl_->ready = false;
  auto cut = impl_->s3->stop(grace);
  impl_->console->stop();
  caf::anon_send_exit(impl_->heal, caf::exit_reason::user_shutdown);
  impl_->heal = nullptr;
  if (impl_->move) caf::anon_send_exit(impl_->move, caf::exit_reason::user_shutdown);
  impl_->move = nullptr;
  if (impl_->readers) caf::anon_send_exit(impl_->readers, caf::exit_reason::user_shutdown);
  impl_->readers = nullptr;
  impl_->options.metadata = nullptr;
  impl_->options.replicator = nullptr;
  impl_->options.surveyor = nullptr;
  impl_->options.ring_manager = nullptr;
  // Every io thread has ended. Suspended coroutines die with the io_contexts, and still use what hangs on them.
  for (auto& io : impl_->services) io->bridge.close();
  impl_->s3.reset();
  impl_->console.reset();
  impl_->services.clear();
  return cut;
}

} // namespace troupe
