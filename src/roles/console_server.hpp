// console_server: the console port of a node without the role coordinator: health, readiness and administration, on one io
// thread of its own. Where there is a coordinator, the console is one of its front doors.
//
// Order of ends: stop() first (ends the io thread), then the actors that were handed in, then this object.
#pragma once

#include "actors/interfaces.hpp"
#include "actors/volume_operator.hpp"
#include "base/environment.hpp"
#include "base/error.hpp"
#include "roles/credentials.hpp"
#include "roles/host_port.hpp"
#include "roles/https_settings.hpp"
#include "roles/identity_settings.hpp"

#include <caf/fwd.hpp>

#include <functional>
#include <memory>

namespace troupe {

class event_log;
class observation;
struct fault_switches;
struct process_controls;

struct console_options {
  host_port where;
  https_settings https;
  credentials keys; // root's; both empty: there is none, and users alone may administer
  identity_settings identity;
  audit_settings audit;
  metadata_actor metadata;
  surveyor_actor surveyor;
  volume_operator_actor volumes;
  ring_manager_actor ring_manager;
  std::shared_ptr<const fault_switches> faults; // empty: they are not enabled
  std::shared_ptr<event_log> events;
  const observation* observed = nullptr;            // of this process; outlives this
  std::shared_ptr<const process_controls> controls; // the same, for its metrics
  std::function<bool()> ready;                      // what /ready answers; from the io thread
  wall_clock* clock = nullptr;
  entropy* random = nullptr;
};

class console_server {
public:
  // Listens, and answers, when this returns. The error's message is for a person.
  static result<std::unique_ptr<console_server>> start(caf::actor_system&, console_options);
  ~console_server();

  host_port where() const; // with the port it got
  void stop();

private:
  struct impl;
  explicit console_server(std::unique_ptr<impl>);
  std::unique_ptr<impl> impl_;
};

} // namespace troupe
