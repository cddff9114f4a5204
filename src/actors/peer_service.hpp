// PEER SERVICE: what this process does for others: takes their requests from the channel, asks the actor that each is
// meant for, and answers. Roles that this process does not play are answered ec::not_implemented.
#pragma once

#include "actors/interfaces.hpp"
#include "net/channel.hpp"

#include <caf/fwd.hpp>

#include <chrono>
#include <memory>

namespace troupe {

class read_pins;
struct process_controls;

struct peer_service_options {
  peer_service_options() = default; // not an aggregate: CAF rule 1
  shard_actor shard;                // may be empty, as the others
  metadata_actor metadata;          // the member of this process
  gossiper_actor gossiper;
  surveyor_actor surveyor;         // of a coordinator
  const read_pins* pins = nullptr; // the same; outlives the actor
  std::shared_ptr<const process_controls> controls;
  std::chrono::milliseconds timeout{30'000}; // of every request of ours
};

struct served_request {
  served_request() = default;
  std::string from;
  peer_message message;
  channel::on_answer answer; // empty for a post
};

using serve_atom = caf::atom_constant<caf::atom("serve")>;
using peer_service_actor = caf::typed_actor<caf::reacts_to<serve_atom, served_request>>;

peer_service_actor spawn_peer_service(caf::actor_system&, peer_service_options);
// What the channel is to call.
peer_handler handler_of(const peer_service_actor&);

} // namespace troupe

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::served_request)
