// membership: how the metadata leader changes the cluster map by what it sees. Gossip suspects, this decides
// (REQUIREMENTS X7); the caller commits the new map through Raft, so that only one leader's decision counts.
// A pure function: the same map and the same view make the same decision, whatever the order of the view's nodes.
// Durations are the caller's monotonic clock's; the wall clock is only written down (cluster_node::since_ms).
#pragma once

#include "base/environment.hpp"
#include "base/ids.hpp"
#include "core/cluster_map.hpp"
#include "core/gossip.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

// What a node says of itself when it is connected to. Nothing: its configuration does not say.
struct node_announcement {
  node_roles roles;
  std::optional<std::string> zone;
  std::optional<std::uint32_t> weight;
  std::uint64_t raft_id = 0;
};

// What is known here of a node that is there, or was.
struct node_sighting {
  node_id id;
  std::string address; // as gossip has it
  member_status status = member_status::alive;
  std::chrono::milliseconds since{0};         // of this status, by the clock of membership_view::now
  std::optional<node_announcement> announced; // nothing: it has not been spoken to yet
};

struct membership_view {
  std::vector<node_sighting> nodes; // by gossip, each once; the deciding node's own, too
  // When this process began to gossip: a node that it never heard of, or has forgotten, counts as dead since then.
  std::chrono::milliseconds watching_since{0};
  std::chrono::milliseconds now{0};
  unix_ms now_ms = 0;
  std::vector<cluster_node> listed; // the configuration's; state, since_ms and raft_id do not matter
  // Draining nodes that no record names any more (found in a walk that began after the node drained), and whose metadata
  // member, if they had one, has left the Raft group.
  std::vector<node_id> emptied;
};

struct membership_options {
  std::chrono::milliseconds down_after{30'000}; // dead in gossip for that long; gossip's own patience comes before
  bool admit_unlisted = true;                   // a node that is not in the configuration joins by announcing itself
};

struct membership_decision {
  std::optional<cluster_map> next;   // one epoch on; nothing: all stays as it is
  std::vector<std::string> reasons;  // a line for each change, ordered by node
  std::vector<std::string> refusals; // what looks due and is not done, and why; again with each call while it is so
};

// At most one new map. A node goes one step in it: unknown -> joining -> up <-> down, draining -> gone.
//  - who is alive and listed, or announces itself, joins; who joins and is alive is up; gone is final
//  - who has been dead for down_after is down, and up again once alive; a draining node stays draining meanwhile
//  - a draining node that was emptied is gone
//  - an alive node's address, and the zone, weight, roles and raft id that it announces, are taken over; but never the
//    loss of the storage role: data may be there
// Safety: a leader may itself be the one that is cut off. While it sees fewer than half of the nodes that were ever up
// alive, it calls nobody down.
membership_decision decide(const cluster_map&, const membership_view&, const membership_options&);

// What one node says of itself: of another zone, weight or roles than the map has, that alone, under the rules above.
// Nothing when the map has it so already, or does not know the node, or knows it as gone.
membership_decision announced(const cluster_map&, const node_id&, const node_announcement&);

} // namespace troupe
