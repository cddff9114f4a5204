#include "roles/front_door.hpp"

#include "api/http/server.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

namespace troupe {

namespace {
constexpr std::size_t admission_waiters_max = 4096; // per io thread; one more is answered 503
}

// Used on its io thread only.
struct front_door::io_services {
  io_services(caf::actor_system& system, http::worker& io, std::uint64_t memory_bytes, const clustered_store_options& o)
      : bridge(system, io.context()),
        memory(io.context(), memory_bytes, admission_waiters_max),
        store(o, io, bridge, memory) {}
  http::actor_bridge bridge;
  http::budget memory;
  clustered_store store;
};

front_door::front_door(caf::actor_system& system, const clustered_store_options& store, front_door_options o)
    : name_(o.name), where_(o.where), background_(std::move(o.background)) {
  http::server_config config{
    .clock = *store.clock,
    .random = *store.random,
    .handle = std::move(o.handle),
    .render_error = std::move(o.render_error),
    .cut =
      [](http::worker& io) {
        static_cast<io_services*>(io.user)->bridge.fail_all(fail(ec::closed, "the store is stopping"));
      },
    .threads = o.threads,
    .host = o.where.host,
    .port = o.where.port,
    .tls = std::move(o.tls),
    .watcher = o.watcher,
    .connections_max = o.connections_max,
    .request_id_field = std::move(o.request_id_field),
    .tracing = o.tracing,
    .surface = std::move(o.surface),
  };
  server_ = std::make_unique<http::server>(std::move(config));
  for (unsigned n = 0; n < server_->threads(); ++n) {
    auto& io = server_->io(n);
    services_.push_back(std::make_unique<io_services>(system, io, o.memory_bytes / server_->threads(), store));
    io.user = services_.back().get();
  }
}

front_door::~front_door() {
  stop(std::chrono::milliseconds{0});
  close();
}

result<> front_door::start() {
  if (auto ok = server_->start(); !ok)
    return fail(ok.error().code,
      std::string{"cannot listen for "} + name_ + " on " + to_string(where_) + ": " + ok.error().message);
  where_.port = server_->port();
  if (background_) {
    auto& io = server_->io(0);
    auto& services = *services_.front();
    boost::asio::co_spawn(
      io.context().get_executor(), background_(io, services.store, services.bridge), boost::asio::detached);
  }
  return {};
}

host_port front_door::where() const { return where_; }

std::size_t front_door::stop(std::chrono::milliseconds grace) { return server_ ? server_->stop(grace) : 0; }

void front_door::close() {
  if (!server_) return;
  for (auto& io : services_) io->bridge.close();
  server_.reset();
  services_.clear();
}

object_store& front_door::store_of(http::request& rq) {
  auto& io = *static_cast<io_services*>(rq.io().user);
  if (!rq.trace.sampled) return io.store;
  if (!rq.kept) rq.kept = std::make_shared<clustered_store>(io.store, rq.trace);
  return *static_cast<clustered_store*>(rq.kept.get());
}

http::actor_bridge& front_door::actors_of(http::request& rq) { return static_cast<io_services*>(rq.io().user)->bridge; }

} // namespace troupe
