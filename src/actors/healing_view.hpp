// healing_view: the cluster as those who heal it need to see it: the map, who can be reached now, and whether it is this
// process that heals: the coordinator of the lowest name that is alive. Two may think so for a moment: all they do is
// guarded by preconditions, or harmless twice. Immutable; a change makes a new one.
#pragma once

#include "actors/interfaces.hpp"
#include "core/cluster_map.hpp"

#include <cstddef>
#include <set>
#include <utility>

namespace troupe {

// How many extents a HEALER repairs at a time. Each holds one stripe in memory.
inline constexpr std::size_t repairs_at_once = 4;
// Who shares the rate of healing, at most: those repairs, the MOVER, and as many that ran into a timeout and still go on.
inline constexpr int healing_rate_sharers = 2 * (static_cast<int>(repairs_at_once) + 1);

struct healing_view {
  explicit healing_view(cluster_map m) : map(std::move(m)), places(places_of(map)) {}
  cluster_map map;
  ring places;
  std::set<node_id> reachable; // by gossip: alive
  std::set<node_id> dead;      // by gossip
  bool active = false;         // it is this process that heals
};

// Who is given one, in a process: all four or none.
struct healing_actors {
  healing_actors() = default; // not an aggregate: CAF rule 1
  healing_actors(healer_actor h, mover_actor m, readers_actor r, sweeper_actor s)
      : healer(std::move(h)), mover(std::move(m)), readers(std::move(r)), sweeper(std::move(s)) {}
  healer_actor healer;
  mover_actor mover;
  readers_actor readers;
  sweeper_actor sweeper;
};

} // namespace troupe
