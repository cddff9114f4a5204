#include "roles/console_server.hpp"

#include "api/admin/admin.hpp"
#include "api/admin/console.hpp"
#include "api/metrics/metrics.hpp"
#include "roles/failure_log.hpp"
#include "roles/front_certificate.hpp"
#include "roles/front_door.hpp"
#include "roles/identity_service.hpp"
#include "roles/observation.hpp"

#include <caf/all.hpp>

namespace troupe {

struct console_server::impl {
  failure_log failures;
  std::unique_ptr<identity_service> identity;
  metrics::request_metrics requests;
  std::unique_ptr<front_certificate> certificate;
  std::unique_ptr<front_door> door;
};

console_server::console_server(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
console_server::~console_server() { stop(); }

result<std::unique_ptr<console_server>> console_server::start(caf::actor_system& system, console_options o) {
  auto i = std::make_unique<impl>();
  auto certificate = front_certificate::start(o.https, *o.clock);
  if (!certificate) return certificate.error();
  i->certificate = std::move(*certificate);
  auto identity = identity_service::start(system,
    {.settings = o.identity,
      .audit = o.audit,
      .root = o.keys,
      .metadata = o.metadata,
      .clock = o.clock,
      .random = o.random});
  if (!identity) return identity.error();
  i->identity = std::move(*identity);
  admin::config administration{.identity = i->identity->gate(),
    .clock = *o.clock,
    .actors_of = front_door::actors_of,
    .metadata = o.metadata,
    .surveyor = o.surveyor,
    .faults = std::move(o.faults),
    .events = std::move(o.events),
    .ring_manager = std::move(o.ring_manager),
    .identities = i->identity->administration(),
    .volumes = std::move(o.volumes)};
  front_door_options d;
  d.name = "the console";
  d.where = o.where;
  d.tls = i->certificate->of("console");
  std::vector<console::mount> mounts;
  mounts.push_back({"/admin", admin::make_handler(std::move(administration))});
  auto own = o.observed->sources(o.controls);
  if (auto end = i->certificate->end_of()) own.certificate_ends.emplace_back("https", std::move(end));
  mounts.push_back({"/metrics",
    metrics::make_handler({.actors_of = front_door::actors_of,
      .surveyor = std::move(o.surveyor),
      .metadata = std::move(o.metadata),
      .requests = i->requests,
      .own = std::move(own),
      .token = o.observed->metrics_token()})});
  d.handle = console::make_handler(std::move(o.ready), std::move(mounts));
  d.render_error = console::render_error;
  d.watcher = &i->requests.observer_of("console", &i->identity->watch(i->failures));
  d.connections_max = 256;
  d.tracing = o.observed->tracing();
  d.surface = "console";
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
  impl_->identity->stop();
  impl_->door->close();
}

} // namespace troupe
