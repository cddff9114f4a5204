// surface_context: what the front doors beside S3 work with: the same store, metadata group and keys. Copied into their
// handlers; everything that it refers to outlives them.
#pragma once

#include "actors/interfaces.hpp"
#include "api/http/request.hpp"
#include "base/environment.hpp"
#include "codec/sigv4.hpp"

#include <functional>
#include <string>

namespace troupe {

class object_store;
namespace http {
class actor_bridge;
}

struct surface_context {
  // Of the io thread that runs the request.
  std::function<object_store&(http::request&)> store_of;
  std::function<http::actor_bridge&(http::request&)> actors_of;
  metadata_actor metadata; // the group
  secret_lookup secret_of; // called on io threads, several at a time
  wall_clock* clock = nullptr;
  entropy* random = nullptr;
  std::string region;         // of buckets that are made
  bool loopback_only = false; // where it listens: no packet from another machine gets here
};

} // namespace troupe
