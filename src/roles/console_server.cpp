#include "roles/console_server.hpp"

#include "api/admin/admin.hpp"
#include "api/admin/console.hpp"
#include "api/http/actor_bridge.hpp"
#include "api/http/server.hpp"
#include "roles/failure_log.hpp"

#include <caf/all.hpp>

#include <optional>

namespace troupe {
namespace {

constexpr std::size_t connections_max = 256;

// What the io thread needs.
struct console_services {
  console_services(caf::actor_system& system, http::worker& io) : bridge(system, io.context()) {}
  http::actor_bridge bridge;
};

} // namespace

secret_lookup secret_lookup_of(const credentials& keys) {
  return [keys](std::string_view access) -> std::optional<std::string> {
    bool known = !keys.access_key.empty() && !keys.secret_key.empty() && access == keys.access_key;
    return known ? std::optional{keys.secret_key} : std::nullopt;
  };
}

error listening_failed(const char* what, const host_port& where, const error& e) {
  return fail(e.code, std::string{"cannot listen for "} + what + " on " + to_string(where) + ": " + e.message);
}

struct console_server::impl {
  host_port where;
  failure_log failures;
  std::unique_ptr<console_services> services; // outlives the server
  std::unique_ptr<http::server> server;
  bool stopped = false;
};

console_server::console_server(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
console_server::~console_server() { stop(); }

result<std::unique_ptr<console_server>> console_server::start(caf::actor_system& system, console_options o) {
  auto i = std::make_unique<impl>();
  i->where = o.where;
  admin::config administration{.secret_of = secret_lookup_of(o.keys),
    .clock = *o.clock,
    .actors_of = [](http::request& rq) -> http::actor_bridge& {
      return static_cast<console_services*>(rq.io().user)->bridge;
    },
    .metadata = std::move(o.metadata),
    .surveyor = std::move(o.surveyor),
    .faults = std::move(o.faults),
    .ring_manager = std::move(o.ring_manager)};
  http::server_config config{
    .clock = *o.clock,
    .random = *o.random,
    .handle = console::make_handler(std::move(o.ready), admin::make_handler(std::move(administration))),
    .render_error = console::render_error,
    .cut =
      [](http::worker& io) {
        static_cast<console_services*>(io.user)->bridge.fail_all(fail(ec::closed, "the store is stopping"));
      },
    .threads = 1,
    .host = o.where.host,
    .port = o.where.port,
    .watcher = &i->failures,
    .connections_max = connections_max,
    .request_id_field = "x-request-id",
  };
  i->server = std::make_unique<http::server>(std::move(config));
  i->services = std::make_unique<console_services>(system, i->server->io(0));
  i->server->io(0).user = i->services.get();
  auto listening = i->server->start();
  if (!listening) {
    auto why = listening_failed("the console", o.where, listening.error());
    console_server never{std::move(i)}; // closes the bridge
    return why;
  }
  i->where.port = i->server->port();
  return std::unique_ptr<console_server>{new console_server{std::move(i)}};
}

host_port console_server::where() const { return impl_->where; }

void console_server::stop() {
  if (std::exchange(impl_->stopped, true)) return;
  impl_->server->stop(std::chrono::milliseconds{0});
  // The io thread has ended. Suspended coroutines die with its io_context, and still use the bridge.
  impl_->services->bridge.close();
  impl_->server.reset();
  impl_->services.reset();
}

} // namespace troupe
