// cluster_map: which nodes there are, where, in which state, under one epoch. An immutable value, checked when it is made
// (from a table row or a peer). Who changes it, and why: core/membership.hpp (the leader's decisions) and
// core/cluster_requests.hpp (an operator's). Where data goes is the ring's: places_of().
// Bounds: 1000 nodes, removed ones included, since a name is never used again; a weight of 100, 10,000 in all.
// Errors: ec::corrupt for a message that makes no sense, ec::incompatible for a state of a later version,
// ec::bad_argument for a change that breaks a bound.
#pragma once

#include "base/environment.hpp"
#include "base/error.hpp"
#include "base/ids.hpp"
#include "core/ring.hpp"
#include "troupe.pb.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

// Numbers as in pb::cluster_node.
enum class node_state : std::uint8_t {
  joining = 1,  // known, takes no data yet
  up = 2,       //
  draining = 3, // takes no new data; what it holds moves away. It stays so while it is dead
  down = 4,     // dead for long: its pieces are made anew elsewhere
  gone = 5,     // removed; final
};
std::string_view to_string(node_state);

struct node_roles {
  bool storage = false, metadata = false, coordinator = false;
  friend bool operator==(const node_roles&, const node_roles&) = default;
};

struct cluster_node {
  node_id id;          // [a-z0-9][a-z0-9._-]{0,62}
  std::string address; // HOST:PORT; two nodes may have one for a while, when machines take over addresses
  std::string zone;    // empty: a zone of its own
  std::uint32_t weight = 1;
  node_state state = node_state::joining;
  unix_ms since_ms = 0; // of this state, by the deciding leader's wall clock: to be shown, never to be measured with
  node_roles roles;
  std::uint64_t raft_id = 0;                     // 0: no metadata member
  std::optional<std::uint32_t> announced_weight; // the node's last word, when an operator's may differ
  friend bool operator==(const cluster_node&, const cluster_node&) = default;
};

bool takes_data(const cluster_node&);    // up, with the storage role and a weight
bool may_hold_data(const cluster_node&); // up, draining or down, with the storage role

// The bounds of one node by itself. ec::bad_argument names the node and the value.
result<> check(const cluster_node&);

class cluster_map {
public:
  static constexpr std::size_t nodes_max = 1000;
  static constexpr std::uint32_t weight_max = 100;
  static constexpr std::uint32_t weights_max = 10'000; // of all nodes that are not gone: 1.5 million ring positions

  // Epoch 0, no nodes. `cluster` has 32 lower-case hex digits.
  static result<cluster_map> empty(std::string cluster);
  static result<cluster_map> make(const pb::cluster_map&);
  pb::cluster_map message() const;

  // The next epoch: with these nodes, by id, instead of those of the same id, or besides the others. What state may follow
  // what is the caller's to know. ec::bad_argument: see the bounds above; or two metadata members with one raft_id.
  result<cluster_map> next(const std::vector<cluster_node>& changed) const;

  std::uint64_t epoch() const { return epoch_; }
  const std::string& cluster() const { return cluster_; }
  const std::vector<cluster_node>& nodes() const { return nodes_; } // by id
  const cluster_node* find(const node_id&) const;                   // null when nobody had that name
  // What it holds counts: it is up, draining or joining (the map may be younger than the data), dead in gossip or not.
  bool serves(const node_id&) const;

  friend bool operator==(const cluster_map&, const cluster_map&) = default;

private:
  cluster_map(std::uint64_t epoch, std::string cluster, std::vector<cluster_node> nodes)
      : epoch_(epoch), cluster_(std::move(cluster)), nodes_(std::move(nodes)) {}

  std::uint64_t epoch_;
  std::string cluster_;
  std::vector<cluster_node> nodes_;
};

// Where new data goes.
ring places_of(const cluster_map&);
// Where data may be: whom to ask, and whom to compare with the records.
std::vector<node_id> holders_of(const cluster_map&);

} // namespace troupe
