// HEALER: reclaims what overwrites and deletes left behind. Walks table garbage, has the replicator remove the pieces
// of each row that is old enough and not being read, and erases the row once every node confirmed: a node that was
// away keeps its row until it is back. Also walks table repairs, where uploads noted the pieces that a node did not take, and
// has the replicator make them anew (healer_repairs.cpp), a few extents at a time. What nodes lost later (a disk that was
// replaced) is found by comparing what they have with what the records say (healer_compare.cpp), and noted in table
// repairs: after the start, when a node returns, restarts or finds damage, when the map changes, and every few hours. The
// same walk counts what is below its full redundancy. What all healing of this process is at, the MOVER's and the
// SWEEPER's work included, is written into a row for every console to show (healer_watch.cpp).
#pragma once

#include "actors/interfaces.hpp"
#include "base/environment.hpp"
#include "base/log_limit.hpp"
#include "core/byte_rate.hpp"
#include "core/job_clock.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <string>

namespace troupe {

class read_pins;

struct healer_options {
  healer_options() = default;
  metadata_actor metadata;
  replicator_actor replicator;
  const read_pins* pins = nullptr; // of this process
  readers_actor readers;           // of all; empty: this process is the only one
  mover_actor mover;               // for the report; may be empty, as the next one
  sweeper_actor sweeper;
  std::string self;                       // this node's name, for the report
  std::shared_ptr<shared_byte_rate> rate; // what the replicator keeps; here it only says how long a repair may take
  const wall_clock* clock = nullptr;
  bool clustered = false;                    // idle until a healing_view says that it is this process that heals
  unix_ms grace_ms = 60'000;                 // longer than a reader takes from looking to pinning
  std::chrono::milliseconds interval{1'000}; // between walks
  std::chrono::milliseconds request_timeout{15'000};
  std::uint32_t rows_per_step = 256;
  std::chrono::milliseconds repair_interval{
    5'000}; // between walks of table repairs; less after one that repaired something
  // Comparing what nodes have with what records say: when it begins, between its steps, between whole walks.
  std::chrono::milliseconds compare_delay{5'000}, compare_pause{20}, compare_interval{std::chrono::hours{1}};
  // After a walk, before one that nobody ordered: at least so long, and as long as that walk took; at most the interval.
  std::chrono::milliseconds compare_rest{5'000};
  std::chrono::milliseconds repair_timeout{
    std::chrono::minutes{30}};                     // of one extent, besides what the rate makes it wait
  std::chrono::milliseconds watch_interval{2'000}; // between looks at the nodes, and reports
  std::chrono::milliseconds recount_delay{60'000}; // at most compare_interval
};

// What was seen of a node by the watch.
struct watched_node {
  std::uint64_t instance = 0; // 0: it never answered
  std::uint64_t damaged = 0;  // pieces that it can not read
  bool away = true;           // it did not answer
  bool compared = false;      // since it returned last
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
  std::uint64_t repaired_bytes = 0;                 // since start
  std::map<std::string, bool> repairing;            // by data id: whether this healer has reclaimed it meanwhile
  log_limit repair_lines;
  job_clock repair_job;
  std::size_t compare_table = 0; // which table the comparison walks, and where it is
  std::string compare_cursor;
  std::uint64_t compare_armed = 0; // the number of the step that counts: the one armed last
  bool recount_armed = false;      // that step
  job_clock::time compare_began{0}, compare_rests_until{0};
  bool comparing = false;                                       // in the middle of a walk
  bool compare_all = false;                                     // something happened, anywhere: whatever was ordered
  bool compare_again = false;                                   // something happened that this walk may have missed
  std::map<node_id, std::uint64_t> compare_began_with;          // instances
  std::uint64_t compared = 0, incomplete = 0, not_compared = 0; // extents of this walk
  std::uint64_t low_extents = 0, low_rows = 0;                  // of this walk, below their full redundancy
  std::uint64_t low_extents_last = 0, low_rows_last = 0;        // of the last whole one
  bool counted = false;                                         // there was one
  log_limit compare_lines;
  job_clock compare_job;
  std::shared_ptr<const healing_view> view;
  std::map<node_id, watched_node> watched;
  std::uint64_t moved_seen = 0; // extents that the mover has moved, as of the last look
  std::string map_seen;         // which nodes serve, as of the last look
  std::string told;             // the report that was written last, but for its time
  // Of an operator's order, and for his report.
  enum class orders : std::uint8_t { none, waiting, running } compare_order = orders::none;
  std::string compare_only;      // the node that the order named; empty: all
  std::string compare_only_next; // the same, until the walk begins
  std::uint64_t compare_walks = 0, compared_before = 0, incomplete_before = 0;
};

job_clock::time now_of(healer_actor::stateful_pointer<healer_state> self);

// One walk of table repairs after another, for ever.
void walk_repairs(healer_actor::stateful_pointer<healer_state> self);
constexpr std::chrono::milliseconds order_interval{1'000}; // how soon an order is seen that came during a walk

// Compares now, from the start; what is under way is finished first. Only what `node` should hold, unless it is empty.
void compare_now(healer_actor::stateful_pointer<healer_state> self, const std::string& node);
wire<pb::heal_report> comparison_report(const healer_state&);
// One step of the comparison; the next one follows by itself.
void compare_step(healer_actor::stateful_pointer<healer_state> self);
// A walk begins at once, or after the one that is under way.
void compare_soon(healer_actor::stateful_pointer<healer_state> self);
// What was below its redundancy may be so no more: it is counted again, but not every few seconds.
void recount(healer_actor::stateful_pointer<healer_state> self);
void arm_compare(healer_actor::stateful_pointer<healer_state> self, std::chrono::milliseconds delay);
// Looks at the nodes, writes the report; the next look follows by itself.
void watch(healer_actor::stateful_pointer<healer_state> self);

healer_actor::behavior_type healer(healer_actor::stateful_pointer<healer_state> self, healer_options options);

} // namespace troupe
