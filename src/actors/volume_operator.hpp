// VOLUME OPERATOR: carries what operators ask of the volumes of shards to whom it is for: a look to every process, a change to
// the primary of its volume. Learns from the SURVEYOR which processes there are. Nothing depends on it.
#pragma once

#include "actors/interfaces.hpp"
#include "actors/process_controls.hpp"
#include "net/channel.hpp"
#include "volume_orders.pb.h"

#include <caf/fwd.hpp>

#include <chrono>
#include <map>
#include <memory>

namespace troupe {

using order_atom = caf::atom_constant<caf::atom("order")>;

// What every process said of its volumes, by node; the name is empty in `troupe dev`.
struct volume_answers {
  std::map<node_id, result<pb::volume_report>> processes;
};
struct everyones_volumes {
  everyones_volumes() = default; // not an aggregate: CAF rule 1
  explicit everyones_volumes(std::shared_ptr<const volume_answers> a) : answers(std::move(a)) {}
  std::shared_ptr<const volume_answers> answers;
};

using volume_operator_actor = caf::typed_actor<
  // A look at all of them.
  caf::replies_to<everyone_atom>::with<everyones_volumes>,
  // Carried out by the primary of the order's volume. ec::not_found: nobody has that volume; ec::unavailable: it has no
  // primary; ec::timeout: whether it was carried out is not known.
  caf::replies_to<order_atom, wire<pb::volume_order>>::with<wire<pb::volume_report>>>;

struct volume_operator_options {
  volume_operator_options() = default; // not an aggregate: CAF rule 1
  surveyor_actor surveyor;
  std::shared_ptr<channel> net;                     // of a cluster; may be empty
  std::shared_ptr<const process_controls> controls; // of this process
  std::chrono::milliseconds look_timeout{3'000};
  std::chrono::milliseconds order_timeout{20'000};
  std::chrono::milliseconds grow_timeout{40'000}; // EC2 takes its time
};

volume_operator_actor spawn_volume_operator(caf::actor_system&, volume_operator_options);

} // namespace troupe

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::everyones_volumes)
