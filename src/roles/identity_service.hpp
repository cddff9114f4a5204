// identity_service: who may come in and what is written down of them, for all front doors of a process: the IDENTITY KEEPER and
// what it read, the gate over it, the keys of the tokens' issuer, and the audit log.
//
// Order of ends: the front doors; stop(); then the actors that it asks; then this object.
#pragma once

#include "actors/interfaces.hpp"
#include "api/admin/identity_administration.hpp"
#include "api/http/config.hpp"
#include "api/identity/gate.hpp"
#include "roles/credentials.hpp"
#include "roles/identity_settings.hpp"

#include <caf/fwd.hpp>

#include <memory>

namespace troupe {

struct identity_service_options {
  identity_settings settings;
  audit_settings audit;
  credentials root;
  metadata_actor metadata;
  const wall_clock* clock = nullptr;
  entropy* random = nullptr;
};

class identity_service {
public:
  static result<std::unique_ptr<identity_service>> start(caf::actor_system&, identity_service_options);
  ~identity_service();

  const identity_gate& gate() const;
  admin::identity_administration administration() const;
  // Of all front doors: hands everything on to `next`, and writes down what is to be written down.
  http::observer& watch(http::observer& next);
  bool ready() const; // who may do what was read once
  void stop();

private:
  struct impl;
  explicit identity_service(std::unique_ptr<impl>);
  std::unique_ptr<impl> impl_;
};

} // namespace troupe
