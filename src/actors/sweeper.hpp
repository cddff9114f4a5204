// SWEEPER: finds pieces that nothing names, and has them removed: what a killed process, a commit of unknown outcome or a move
// that nobody ended left behind. Walks every row that names content, then lists what each node holds; who is guilty is
// core/orphan_hunt.hpp's to say, and why nothing is removed that somebody may still name. Content that its row names, but
// not on the node that holds it, is given to table vacated, which the MOVER empties. Turns the eras of uploads, and lets go of
// rows of table condemned that they made needless (core/upload_era.hpp).
#pragma once

#include "actors/interfaces.hpp"
#include "base/environment.hpp"
#include "base/log_limit.hpp"
#include "core/job_clock.hpp"
#include "core/orphan_hunt.hpp"
#include "core/upload_era.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace troupe {

class read_pins;

struct sweeper_options {
  sweeper_options() = default; // not an aggregate: CAF rule 1
  metadata_actor metadata;
  replicator_actor replicator;     // knows the nodes
  const read_pins* pins = nullptr; // of this process
  readers_actor readers;           // of all; empty: this process is the only one
  const wall_clock* clock = nullptr;
  std::shared_ptr<known_upload_era> era; // is told what new content belongs to; may be empty
  bool clustered = false;                // idle until a healing_view says so; there is a mover
  std::chrono::milliseconds grace{std::chrono::hours{24}};
  std::chrono::milliseconds interval{std::chrono::hours{6}}; // between passes
  std::chrono::milliseconds era_length{upload_era::length_by_default};
  std::chrono::milliseconds delay{60'000};     // before the first one; at most the interval
  std::chrono::milliseconds pause{20};         // between pages
  std::chrono::milliseconds sure_pause{1'000}; // before the pass that makes sure of what was condemned
  std::chrono::milliseconds request_timeout{15'000};
  std::uint32_t rows_per_page = 256;
  std::uint32_t ids_per_page = 1024;
  std::size_t judged_per_batch = 256; // rows of one commit
};

struct sweeper_state {
  sweeper_state() = default; // not an aggregate: CAF rule 1
  static inline const char* name = "sweeper";
  sweeper_options options;
  bool active = true;
  bool at_work = false;
  std::optional<orphan_hunt> hunt;
  std::uint64_t passes = 0;
  // The walk.
  std::size_t table = 0;
  std::string cursor;
  // The lists.
  std::shared_ptr<const cluster_view> nodes;
  std::size_t node = 0;
  std::string listed_to; // data id
  // What is to be done about what was found.
  orphan_hunt::verdict verdict;
  std::uint64_t condemned_now = 0, removed_now = 0; // by this pass
  // The eras of uploads, and what they make needless.
  std::optional<std::string> era_row; // as read before this pass judged
  pb::upload_era_record era;
  bool reclaiming = false; // rows of table condemned; `cursor` is where
  std::uint64_t condemned_left = 0;
  pb::sweep_status told;
  job_clock job; // extents: names, of the walk
  log_limit lines;
};

using sweeper_pointer = sweeper_actor::stateful_pointer<sweeper_state>;

sweeper_actor::behavior_type sweeper(sweeper_pointer self, sweeper_options options);

void complain(sweeper_pointer self, const std::string& what);
orphan_hunt::time now_of(sweeper_pointer self);
// Carries out the verdict, a step at a time; then ends the pass. sweeper_verdict.cpp.
void carry_out(sweeper_pointer self);
void end_pass(sweeper_pointer self);
// Reads the era that is current now. sweeper_eras.cpp, as the next one.
void read_era(sweeper_pointer self, const std::function<void(const result<>&)>& then);
// Erases rows of table condemned that nobody needs any more, a page at a time; ends the era when it is time, and there are
// others that wait for it. Then ends the pass.
void reclaim_condemned(sweeper_pointer self);

} // namespace troupe
