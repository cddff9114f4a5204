#include "roles/console_server.hpp"

#include "api/admin/admin.hpp"
#include "api/admin/console.hpp"
#include "api/metrics/metrics.hpp"
#include "roles/failure_log.hpp"
#include "roles/front_door.hpp"

#include <caf/all.hpp>

#include <optional>

namespace troupe {

secret_lookup secret_lookup_of(const credentials& keys) {
  return [keys](std::string_view access) -> std::optional<std::string> {
    bool known = !keys.access_key.empty() && !keys.secret_key.empty() && access == keys.access_key;
    return known ? std::optional{keys.secret_key} : std::nullopt;
  };
}

struct console_server::impl {
  failure_log failures;
  metrics::request_metrics requests;
  std::unique_ptr<front_door> door;
};

console_server::console_server(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
console_server::~console_server() { stop(); }

result<std::unique_ptr<console_server>> console_server::start(caf::actor_system& system, console_options o) {
  auto i = std::make_unique<impl>();
  admin::config administration{.secret_of = secret_lookup_of(o.keys),
    .clock = *o.clock,
    .actors_of = front_door::actors_of,
    .metadata = std::move(o.metadata),
    .surveyor = o.surveyor,
    .faults = std::move(o.faults),
    .events = std::move(o.events),
    .ring_manager = std::move(o.ring_manager)};
  front_door_options d;
  d.name = "the console";
  d.where = o.where;
  std::vector<console::mount> mounts;
  mounts.push_back({"/admin", admin::make_handler(std::move(administration))});
  mounts.push_back({"/metrics",
    metrics::make_handler(
      {.actors_of = front_door::actors_of, .surveyor = std::move(o.surveyor), .requests = i->requests})});
  d.handle = console::make_handler(std::move(o.ready), std::move(mounts));
  d.render_error = console::render_error;
  d.watcher = &i->requests.observer_of("console", &i->failures);
  d.connections_max = 256;
  clustered_store_options nothing; // is stored or read through a console
  nothing.clock = o.clock;
  nothing.random = o.random;
  i->door = std::make_unique<front_door>(system, nothing, std::move(d));
  TROUPE_TRY(i->door->start());
  return std::unique_ptr<console_server>{new console_server{std::move(i)}};
}

host_port console_server::where() const { return impl_->door->where(); }

void console_server::stop() {
  impl_->door->stop(std::chrono::milliseconds{0});
  impl_->door->close();
}

} // namespace troupe
