// admin: what operators see and change, over HTTP and JSON on the console port (docs/ADMIN.md): everything under /admin.
// Each request proves in its headers who sends it (SigV4 of service `troupe`, a token, an API key): a browser that is led here
// can not, and a link can not be passed on. GET only looks, and needs the role reader; POST changes, and needs admin. Every wait and every body has a bound.
#pragma once

#include "actors/interfaces.hpp"
#include "actors/volume_operator.hpp"
#include "api/admin/identity_administration.hpp"
#include "api/http/request.hpp"
#include "base/environment.hpp"

#include <functional>
#include <memory>
#include <string_view>

namespace troupe {
class event_log;
class identity_gate;
struct fault_switches;
} // namespace troupe
namespace troupe::http {
class actor_bridge;
}

namespace troupe::admin {

struct config {
  const identity_gate& identity; // outlives the handler
  wall_clock& clock;
  std::function<http::actor_bridge&(http::request&)> actors_of;
  metadata_actor metadata; // the group
  surveyor_actor surveyor;
  std::shared_ptr<const fault_switches> faults; // empty: they are not enabled
  std::shared_ptr<event_log> events;            // empty: nobody can watch
  ring_manager_actor ring_manager;              // empty: there is no cluster to change (`troupe dev`)
  identity_administration identities;           // empty keeper: users, keys and policies can not be changed
  volume_operator_actor volumes;                // of shards
};

// Answers every path under /admin; throws api_error.
http::handler make_handler(config);

} // namespace troupe::admin
