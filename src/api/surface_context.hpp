// surface_context: what the front doors beside S3 work with: the same store, metadata group and identities. Copied into
// their handlers; everything that it refers to outlives them.
#pragma once

#include "actors/interfaces.hpp"
#include "api/http/request.hpp"
#include "base/environment.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace troupe {

class object_store;
class identity_gate;
namespace pb {
class file_log_verification;
}
namespace http {
class actor_bridge;
}

struct surface_context {
  // Of the io thread that runs the request.
  std::function<object_store&(http::request&)> store_of;
  std::function<http::actor_bridge&(http::request&)> actors_of;
  metadata_actor metadata; // the group
  metadata_actor member;   // the member of this process; empty when it has none
  std::string node;        // this process's name in the group
  surveyor_actor surveyor;
  ring_manager_actor ring_manager; // empty: there is no cluster to change (`troupe dev`)
  // HOST:PORT where clients reach a node's s3db; nothing when it is not known, or chosen by the kernel.
  std::function<std::optional<std::string>(const std::string& node)> s3db_of;
  // Of the files front door.
  struct file_settings {
    std::uint64_t segment_bytes = std::uint64_t{1} << 20; // of its log
    std::uint64_t segments_kept = 16;                     // closed ones; older ones become the base
    std::uint64_t cache_bytes = std::uint64_t{64} << 20;
    std::chrono::milliseconds verify_interval{std::chrono::hours{1}}; // of the log against the files
    std::function<void(const pb::file_log_verification&)> verified;   // told of each, whoever made it; nothing: nobody
  };
  file_settings files;
  const identity_gate* identity = nullptr; // who sent a request, and what they may do: for api/surface.hpp
  wall_clock* clock = nullptr;
  entropy* random = nullptr;
  std::string region;         // of buckets that are made
  bool loopback_only = false; // where it listens: no packet from another machine gets here
};

} // namespace troupe
