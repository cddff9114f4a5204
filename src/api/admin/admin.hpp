// admin: what operators see and change, over HTTP and JSON on the console port (docs/ADMIN.md): everything under /admin.
// Each request is signed (SigV4, service `troupe`) with the cluster's key, in its headers: a browser that is led here can
// not sign, and a link can not be passed on. GET only looks; POST changes. Every wait and every body has a bound.
#pragma once

#include "actors/interfaces.hpp"
#include "api/http/request.hpp"
#include "base/environment.hpp"
#include "codec/sigv4.hpp"

#include <functional>
#include <memory>
#include <string_view>

namespace troupe {
class event_log;
struct fault_switches;
} // namespace troupe
namespace troupe::http {
class actor_bridge;
}

namespace troupe::admin {

inline constexpr std::string_view signed_service = "troupe";

struct config {
  // The secret of an access key; nothing when there is no such key. Nobody may do anything when it is empty.
  secret_lookup secret_of;
  wall_clock& clock;
  std::function<http::actor_bridge&(http::request&)> actors_of;
  metadata_actor metadata; // the group
  surveyor_actor surveyor;
  std::shared_ptr<const fault_switches> faults; // empty: they are not enabled
  std::shared_ptr<event_log> events;            // empty: nobody can watch
  ring_manager_actor ring_manager;              // empty: there is no cluster to change (`troupe dev`)
};

// Answers every path under /admin; throws api_error.
http::handler make_handler(config);

} // namespace troupe::admin
