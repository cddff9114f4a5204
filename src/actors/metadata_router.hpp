// METADATA ROUTER: the metadata group as its users see it: the interface of one member, whoever leads. Finds the leader,
// asks it, and asks anew when it has changed. A read is repeated until it is answered; a commit only while it is certain
// that it was not carried out: else its caller gets ec::timeout and does not know.
#pragma once

#include "actors/interfaces.hpp"

#include <caf/fwd.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace troupe {

struct metadata_router_options {
  metadata_router_options() = default; // not an aggregate: CAF rule 1
  struct member {
    member() = default;
    member(std::string n, metadata_actor a) : node(std::move(n)), actor(std::move(a)) {}
    std::string node;
    metadata_actor actor; // of this process, or a REMOTE METADATA
  };
  std::vector<member> members; // to begin with; others are learnt from what these say
  // A way to a member that the others name; empty when nobody knows where it is. The router ends it.
  std::function<metadata_actor(const std::string& node)> reach;
  std::chrono::milliseconds patience{8'000};   // of a request, over all its tries
  std::chrono::milliseconds suspicion{1'000};  // an answer takes longer: perhaps another one leads by now
  std::chrono::milliseconds search_pause{100}; // between two rounds of looking for the leader
  std::chrono::milliseconds status_timeout{1'000};
  std::size_t waiting_max = 8192; // requests at a time, and unanswered by the leader; more: ec::slow_down
};

metadata_actor spawn_metadata_router(caf::actor_system&, metadata_router_options);

} // namespace troupe
