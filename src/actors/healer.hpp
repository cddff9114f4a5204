// HEALER: reclaims what overwrites and deletes left behind. Walks table garbage, has the replicator remove the pieces
// of each row that is old enough and not being read, and erases the row once every node confirmed: a node that was
// away keeps its row until it is back. Also walks table repairs, where uploads noted the pieces that a node did not take, and
// has the replicator make them anew (healer_repairs.cpp), one extent at a time. What nodes lost later (a disk that was
// replaced) is found by comparing what they have with what the records say (healer_compare.cpp), after the start and
// then every few hours, and noted in table repairs.
#pragma once

#include "actors/interfaces.hpp"
#include "base/environment.hpp"
#include "base/log_limit.hpp"

#include <caf/actor_clock.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <string>

namespace troupe {

class read_pins;

struct healer_options {
  healer_options() = default;
  metadata_actor metadata;
  replicator_actor replicator;
  const read_pins* pins = nullptr; // of this process
  readers_actor readers;           // of all; empty: this process is the only one
  const wall_clock* clock = nullptr;
  bool clustered = false;                    // idle until a healing_view says that it is this process that heals
  unix_ms grace_ms = 60'000;                 // longer than a reader takes from looking to pinning
  std::chrono::milliseconds interval{1'000}; // between walks
  std::chrono::milliseconds request_timeout{15'000};
  std::uint32_t rows_per_step = 256;
  std::chrono::milliseconds repair_interval{5'000}; // between walks of table repairs
  // Comparing what nodes have with what records say: when it begins, between its steps, between whole walks.
  std::chrono::milliseconds compare_delay{5'000}, compare_pause{20}, compare_interval{std::chrono::hours{1}};
  std::chrono::milliseconds repair_timeout{std::chrono::minutes{30}}; // of one extent
};

struct healer_state {
  healer_state() = default; // not an aggregate: CAF rule 1
  static inline const char* name = "healer";
  healer_options options;
  bool active = true;
  std::string cursor;                               // where the walk of table garbage is; empty: at its start
  std::uint64_t reclaimed = 0;                      // rows since start
  std::uint64_t refused = 0;                        // removals that a node did not confirm, since start
  std::string repair_cursor;                        // where the walk of table repairs is
  std::uint64_t repaired = 0, repaired_in_walk = 0; // extents since start, and in the walk that goes on
  log_limit repair_lines;
  std::size_t compare_table = 0; // which table the comparison walks, and where it is
  std::string compare_cursor;
  std::uint64_t compared = 0, incomplete = 0; // extents of this walk
  log_limit compare_lines;
  // Of an operator's order, and for his report.
  caf::actor_clock::time_point compare_due{}; // not before, unless ordered
  enum class orders : std::uint8_t { none, waiting, running } compare_order = orders::none;
  std::string compare_only;      // the node that the order named; empty: all
  std::string compare_only_next; // the same, until the walk begins
  std::uint64_t compare_walks = 0, compared_before = 0, incomplete_before = 0;
};

// One walk of table repairs after another, for ever.
void walk_repairs(healer_actor::stateful_pointer<healer_state> self);
constexpr std::chrono::milliseconds order_interval{1'000}; // how soon an order is seen

// Compares now, from the start; what is under way is finished first. Only what `node` should hold, unless it is empty.
void compare_now(healer_actor::stateful_pointer<healer_state> self, const std::string& node);
wire<pb::heal_report> comparison_report(const healer_state&);
// One step of the comparison; the next one follows by itself.
void compare_step(healer_actor::stateful_pointer<healer_state> self);

healer_actor::behavior_type healer(healer_actor::stateful_pointer<healer_state> self, healer_options options);

} // namespace troupe
