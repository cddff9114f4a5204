// MOVER: where content is, and where it should be. Walks every extent that a row names, one after the other; moves the pieces
// that core/relocation.hpp wants elsewhere, then replaces the extent in its row, if that is still what it was; what the
// old nodes still hold is noted in table vacated and removed after a grace. How fast is copied: the replicator's rate.
//
// A walk protects while there are nodes whose pieces must go elsewhere (down for a while, gone, draining), else it
// balances. A draining node that no row named in a whole walk is noted as emptied (emptied_row()); the ring manager of
// the metadata leader then calls it gone.
#pragma once

#include "actors/healing_view.hpp"
#include "base/environment.hpp"
#include "base/log_limit.hpp"
#include "core/byte_rate.hpp"
#include "core/job_clock.hpp"
#include "core/relocation.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace troupe {

class read_pins;

struct mover_options {
  mover_options() = default; // not an aggregate: CAF rule 1
  metadata_actor metadata;
  replicator_actor replicator;
  const read_pins* pins = nullptr; // of this process
  readers_actor readers;           // of all; empty: this process is the only one
  const wall_clock* clock = nullptr;
  std::chrono::milliseconds interval{1'000};       // between walks while there is something to do
  std::chrono::milliseconds idle_interval{60'000}; // between walks when the last one found nothing
  std::chrono::milliseconds delay{60'000};         // a node must be down for so long before its pieces are made anew
  std::chrono::milliseconds vacated_grace{60'000};
  std::shared_ptr<shared_byte_rate> rate; // what the replicator keeps; here it only says how long a move may take
  std::uint32_t rows_per_page = 256;
  std::chrono::milliseconds request_timeout{15'000};
  std::chrono::milliseconds move_timeout{
    std::chrono::minutes{30}}; // of one extent, besides what the rate makes it wait
};

// An extent of the page that is walked, and the row that names it.
struct row_extent {
  char table = 0;
  std::string key;
  std::shared_ptr<std::string> value; // of the row as it is now, as far as we know; shared by its extents
  pb::extent extent;
};

struct mover_state {
  mover_state() = default; // not an aggregate: CAF rule 1
  static inline const char* name = "mover";
  mover_options options;
  std::shared_ptr<const healing_view> view;
  // The walk: which table, where in it, what is left of the page.
  bool walking = false;
  std::size_t table = 0;
  std::string cursor;
  bool more = true; // rows follow the cursor
  std::deque<row_extent> page;
  relocation_goal goal = relocation_goal::balance;
  std::shared_ptr<const healing_view> began_with;
  std::shared_ptr<const healing_view> walked; // as it was given, when the walk began
  std::uint64_t warned_of = 0;                // under-protected extents
  std::set<node_id> named;                    // draining nodes that a row still names
  bool found_something = false, complete = true;
  std::string vacated_cursor;
  pb::healing_status told;
  job_clock job; // the walk
  log_limit lines;
  std::uint64_t armed = 0; // the number of the tick that counts: the one armed last
  // Of an operator's order: from it until a whole walk that began after it found nothing to move.
  bool rebalancing = false;
  bool whole = false;               // it came to its end
  bool hurried = false;             // this walk began after the order: it waits for no node that is down
  std::uint64_t extents_before = 0; // seen in the last whole walk
};

using mover_pointer = mover_actor::stateful_pointer<mover_state>;

mover_actor::behavior_type mover(mover_pointer self, mover_options options);

// Whether something is to be done about the extent: most need nothing. mover_extent.cpp.
bool wants_move(mover_pointer self, const row_extent& what);
// Plans and carries it out, then goes on by next_atom.
void move_extent(mover_pointer self, row_extent what);
void walk_on(mover_pointer self);
// One step through table vacated; begins the next walk when there is nothing left to remove now. mover_vacated.cpp.
void remove_vacated(mover_pointer self);
void end_round(mover_pointer self);
// Walks at once, without waiting for its interval or for nodes that are down.
void rebalance_now(mover_pointer self);
wire<pb::heal_report> movement_report(const mover_state&);

void complain(mover_pointer self, const std::string& what);

// The row that says: the node, draining since then, is named no more.
std::string emptied_row(const node_id&);
std::string emptied_value(const cluster_node&);

} // namespace troupe
