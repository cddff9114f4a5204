#include "roles/coordinator.hpp"

#include "actors/census.hpp"
#include "actors/healer.hpp"
#include "actors/mover.hpp"
#include "actors/readers.hpp"
#include "api/admin/admin.hpp"
#include "api/admin/console.hpp"
#include "api/http/actor_bridge.hpp"
#include "api/http/budget.hpp"
#include "api/http/server.hpp"
#include "api/objects/clustered_store.hpp"
#include "api/s3/surface.hpp"
#include "core/read_pins.hpp"

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

// What the console's io thread needs.
struct console_services {
  console_services(caf::actor_system& system, http::worker& io) : bridge(system, io.context()) {}
  http::actor_bridge bridge;
};

// Failures of ours, in the log with the request's id. Every request's line is the access log's business.
class failure_log final : public http::observer {
public:
  void finished(const http::access_record& r) override {
    if (r.status >= 500 && r.status != 501 && r.operation != "Probe")
      spdlog::warn("request {}: {} {} ({}) answered {}", r.id, r.method, r.target.substr(0, r.target.find('?')),
        r.operation, r.status);
  }
  void failed(std::string_view id, std::string_view what) override { spdlog::error("request {}: {}", id, what); }
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

secret_lookup secret_lookup_of(const credentials& keys) {
  return [&keys](std::string_view access) -> std::optional<std::string> {
    return access == keys.access_key ? std::optional{keys.secret_key} : std::nullopt;
  };
}

admin::config admin_config(const coordinator_options& o) {
  return {.secret_of = secret_lookup_of(o.keys),
    .clock = *o.clock,
    .actors_of = [](http::request& rq) -> http::actor_bridge& {
      return static_cast<console_services*>(rq.io().user)->bridge;
    },
    .metadata = o.metadata,
    .surveyor = o.surveyor,
    .faults = o.faults,
    .events = o.events,
    .ring_manager = o.ring_manager};
}

error listening_failed(const char* what, const host_port& where, const error& e) {
  return fail(e.code, std::string{"cannot listen for "} + what + " on " + to_string(where) + ": " + e.message);
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
  std::unique_ptr<console_services> for_console; // outlives it
  std::unique_ptr<http::server> console;
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

  http::server_config console{
    .clock = *o.clock,
    .random = *o.random,
    .handle = console::make_handler([&ready = i->ready, able = o.able] { return ready.load() && (!able || able()); },
      admin::make_handler(admin_config(o))),
    .render_error = console::render_error,
    .cut =
      [](http::worker& io) {
        static_cast<console_services*>(io.user)->bridge.fail_all(fail(ec::closed, "the store is stopping"));
      },
    .threads = 1,
    .host = o.console.host,
    .port = o.console.port,
    .watcher = &i->failures,
    .connections_max = 256,
    .request_id_field = "x-request-id",
  };
  i->console = std::make_unique<http::server>(std::move(console));
  i->for_console = std::make_unique<console_services>(system, i->console->io(0));
  i->console->io(0).user = i->for_console.get();

  if (auto ok = i->s3->start(); !ok) return listening_failed("S3", o.s3, ok.error());
  o.s3.port = i->s3->port();
  if (auto ok = i->console->start(); !ok) {
    i->s3->stop(std::chrono::milliseconds{0});
    return listening_failed("the console", o.console, ok.error());
  }
  o.console.port = i->console->port();

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
  i->heal = spawn_counted(system, healer, std::move(heal));
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
    i->move = spawn_counted(system, mover, std::move(move));
    caf::anon_send(o.ring_manager, mover_atom::value, i->heal, i->move, i->readers);
    caf::anon_send(o.surveyor, mover_atom::value, i->heal, i->move);
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
  impl_->console->stop(std::chrono::milliseconds{0});
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
  if (impl_->for_console) impl_->for_console->bridge.close();
  impl_->s3.reset();
  impl_->console.reset();
  impl_->services.clear();
  impl_->for_console.reset();
  return cut;
}

} // namespace troupe
