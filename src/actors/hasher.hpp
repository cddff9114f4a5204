// HASHER: the MD5 of many uploads' pieces side by side, in the lanes of a vector register (codec/md5_lanes.hpp).
// Whatever has come while it was busy is hashed together next; it waits for nothing. One for each replicator.
#pragma once

#include "actors/messages.hpp"
#include "codec/md5_lanes.hpp"

#include <caf/fwd.hpp>
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include <memory>

namespace troupe {

using hash_atom = caf::atom_constant<caf::atom("hash")>;

struct hash_job {
  hash_job() = default; // not an aggregate: CAF rule 1
  hash_job(std::shared_ptr<md5_stream> s, chunk b) : stream(std::move(s)), bytes(std::move(b)) {}
  std::shared_ptr<md5_stream> stream; // nobody else touches it until the answer
  chunk bytes;
};

using hasher_actor = caf::typed_actor<
  // The stream has taken the bytes when this returns. One job at a time for a stream.
  caf::replies_to<hash_atom, hash_job>::with<void>>;

hasher_actor spawn_hasher(caf::actor_system&);

} // namespace troupe

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::hash_job)
