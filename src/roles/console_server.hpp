// console_server: the console port of a node without the role coordinator: health, readiness and administration, on one io
// thread of its own. Where there is a coordinator, the console is one of its front doors.
//
// Order of ends: stop() first (ends the io thread), then the actors that were handed in, then this object.
#pragma once

#include "actors/interfaces.hpp"
#include "base/environment.hpp"
#include "base/error.hpp"
#include "codec/sigv4.hpp"
#include "roles/credentials.hpp"
#include "roles/host_port.hpp"

#include <caf/fwd.hpp>

#include <functional>
#include <memory>

namespace troupe {

class event_log;
struct fault_switches;

struct console_options {
  host_port where;
  credentials keys; // of who may administer; both empty: /admin refuses everybody
  metadata_actor metadata;
  surveyor_actor surveyor;
  ring_manager_actor ring_manager;
  std::shared_ptr<const fault_switches> faults; // empty: they are not enabled
  std::shared_ptr<event_log> events;
  std::function<bool()> ready; // what /ready answers; from the io thread
  wall_clock* clock = nullptr;
  entropy* random = nullptr;
};

// The secret of the one access key; of none when there is none.
secret_lookup secret_lookup_of(const credentials&);

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
