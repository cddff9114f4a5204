// interfaces: every typed actor interface of Troupe, with what each handler promises.
// Handles are constructor arguments; nobody looks an actor up by name. An error is a caf::error made by to_caf().
#pragma once

#include "actors/messages.hpp"
#include "actors/wire.hpp"
#include "codec/checksum_set.hpp"
#include "core/quorum.hpp"
#include "core/stripe.hpp"
#include "core/trace_context.hpp"
#include "raft.pb.h"
#include "store/log_sync.hpp"
#include "troupe.pb.h"

#include <caf/fwd.hpp>
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include <memory>
#include <vector>

namespace troupe {

using append_atom = caf::atom_constant<caf::atom("append")>;
using abandon_atom = caf::atom_constant<caf::atom("abandon")>;
using change_atom = caf::atom_constant<caf::atom("change")>;
using compare_atom = caf::atom_constant<caf::atom("compare")>;
using commit_atom = caf::atom_constant<caf::atom("commit")>;
using copy_atom = caf::atom_constant<caf::atom("copy")>;
using download_atom = caf::atom_constant<caf::atom("download")>;
using drain_atom = caf::atom_constant<caf::atom("drain")>;
using everyone_atom = caf::atom_constant<caf::atom("everyone")>;
using fault_atom = caf::atom_constant<caf::atom("fault")>;
using finish_atom = caf::atom_constant<caf::atom("finish")>;
using gossip_atom = caf::atom_constant<caf::atom("gossip")>;
using heal_atom = caf::atom_constant<caf::atom("heal")>;
using leave_atom = caf::atom_constant<caf::atom("leave")>;
using list_atom = caf::atom_constant<caf::atom("list")>;
using members_atom = caf::atom_constant<caf::atom("members")>;
using mover_atom = caf::atom_constant<caf::atom("mover")>;
using next_atom = caf::atom_constant<caf::atom("next")>;
using raft_atom = caf::atom_constant<caf::atom("raft")>;
using pinned_atom = caf::atom_constant<caf::atom("pinned")>;
using read_atom = caf::atom_constant<caf::atom("read")>;
using repair_atom = caf::atom_constant<caf::atom("repair")>;
using remove_atom = caf::atom_constant<caf::atom("remove")>;
using tick_atom = caf::atom_constant<caf::atom("tick")>;
using status_atom = caf::atom_constant<caf::atom("status")>;
using sync_atom = caf::atom_constant<caf::atom("sync")>;
using upload_atom = caf::atom_constant<caf::atom("upload")>;
using view_atom = caf::atom_constant<caf::atom("view")>;
using write_atom = caf::atom_constant<caf::atom("write")>;
using shards_atom = caf::atom_constant<caf::atom("shards")>;

// Runs fdatasync, so that the actor that owns a log goes on serving meanwhile. Detached in a process, an ordinary
// actor in a simulation.
using syncer_actor = caf::typed_actor<
  // Everything the ticket covers is on disk when this returns. An error poisons the log: it is never retried.
  caf::replies_to<sync_atom, log_sync>::with<void>>;

// One log and its index on one volume: stores stripe pieces. Detached in a process: its handlers read and write files.
using shard_actor = caf::typed_actor<
  // Appends a piece. Not durable yet. The same piece twice is one piece (the later bytes win).
  caf::replies_to<append_atom, wire<pb::piece_id>, chunk>::with<void>,
  // Every append that was answered before this request is on disk when this returns (group commit).
  caf::replies_to<sync_atom>::with<void>,
  // A whole piece whose checksum was verified just now; ec::not_found or ec::corrupt.
  caf::replies_to<read_atom, wire<pb::piece_id>>::with<chunk>,
  // Forgets every piece of a data_id; space comes back by compaction. Unknown ids are fine.
  caf::replies_to<remove_atom, data_id>::with<void>,
  // Which pieces of the extent this node should hold and does not, or could not read lately: `missing` alone is filled.
  // Looks in the index only.
  caf::replies_to<compare_atom, wire<pb::extent>>::with<wire<pb::repair_record>>,
  // A page of the data ids that it holds pieces of.
  caf::replies_to<list_atom, wire<pb::held_request>>::with<wire<pb::held_page>>,
  caf::replies_to<status_atom>::with<wire<pb::shard_status>>>;

// A node's volumes; spawns their shards.
using volume_manager_actor = caf::typed_actor<
  // The shard that serves this node's pieces.
  caf::replies_to<shards_atom>::with<shard_actor>>;

// A member of a Raft group that owns the metadata tables.
using metadata_actor = caf::typed_actor<
  // Linearizable point reads, all from one state.
  caf::replies_to<read_atom, wire<pb::read_request>>::with<wire<pb::read_reply>>,
  // A linearizable page of a listing.
  caf::replies_to<list_atom, wire<pb::list_request>>::with<wire<pb::list_reply>>,
  // Atomic; answered once it is committed, fsynced and applied. A failed precondition is a result, not an error.
  caf::replies_to<commit_atom, wire<pb::batch>>::with<wire<pb::batch_result>>,
  caf::replies_to<status_atom>::with<wire<pb::metadata_status>>,
  // A message of another member. May come late, twice, in another order, or not at all.
  caf::reacts_to<raft_atom, wire<pb::raft_message>>,
  // A copy of the checkpointed state, for a member that lags: begin, pages by offset, end. ec::slow_down: too many copies
  // at a time; ec::not_found: that copy is gone (idle for too long); ec::unavailable: try again later.
  caf::replies_to<copy_atom, wire<pb::state_copy_request>>::with<wire<pb::state_copy_page>>,
  // Adds, removes or hands over; asked of the leader (ec::not_leader). Answered when the change is committed; an added
  // member votes then. ec::conflict: another change is under way. What it says is so already is no error.
  caf::replies_to<members_atom, wire<pb::member_change>>::with<void>>;

// What an upload session needs to know beforehand.
struct upload_options {
  upload_options() = default; // not an aggregate on purpose: CAF rule 1
  std::uint64_t size = 0;
  stripe_geometry geometry; // the caller's choice: core/placement.hpp, default_geometry()
  checksum_set checksums;   // computed over the content besides MD5
  bool md5 = true;          // else the summary has none
  troupe::durability durability = durability::quorum;
  trace_context trace; // on whose behalf; mostly none
};
struct upload_summary {
  upload_summary() = default;
  pb::extent extent;
  pb::repair_record repair; // empty unless pieces are missing
  std::string md5;          // 16 raw bytes
  checksum_values checksums;
  // Says that somebody is about to name this content: held until the commit was answered (read_pins.hpp).
  std::shared_ptr<const void> in_use;
};

// One object on its way in: encodes, spreads, hashes. Ends by finish, abandon, or its idle timeout.
using upload_actor = caf::typed_actor<
  // The next data piece, in order, of exactly stripe_layout's length. Answered when the next one may come:
  // that is the back-pressure. A stripe's pieces but its last may be fired: their errors answer the next message.
  caf::replies_to<write_atom, chunk>::with<void>,
  // W pieces of every stripe (or as many as the options' durability asks for) are on disk when this returns. Nothing is
  // visible yet: the caller commits the extent.
  caf::replies_to<finish_atom>::with<upload_summary>,
  // Gives the pieces back. No answer needed.
  caf::reacts_to<abandon_atom>>;

// One range of an extent on its way out; reads ahead by a bounded window.
using download_actor = caf::typed_actor<
  // The next bytes, verified, in order; an empty chunk after the last.
  caf::replies_to<next_atom>::with<chunk>, caf::reacts_to<abandon_atom>>;

// A new picture of the storage nodes (cluster_view.hpp).
struct cluster_view;
struct new_view {
  new_view() = default;
  explicit new_view(std::shared_ptr<const cluster_view> v) : view(std::move(v)) {}
  std::shared_ptr<const cluster_view> view;
};

// Reads and writes of content: spawns the sessions.
using replicator_actor = caf::typed_actor<caf::replies_to<upload_atom, upload_options>::with<upload_actor>,
  // Bytes [offset, offset + length) of the extent, on somebody's behalf.
  caf::replies_to<download_atom, wire<pb::extent>, std::uint64_t, std::uint64_t, trace_context>::with<download_actor>,
  // Removes an extent's pieces everywhere; an error while a node did not confirm.
  caf::replies_to<remove_atom, wire<pb::extent>>::with<void>,
  // Which pieces are missing on the nodes that answer.
  caf::replies_to<compare_atom, wire<pb::extent>>::with<wire<pb::repair_record>>,
  // Makes the missing pieces anew; every one is on its node's disk when this returns.
  caf::replies_to<repair_atom, wire<pb::repair_record>>::with<void>,
  // Sessions that begin later see this one.
  caf::reacts_to<view_atom, new_view>,
  // The storage nodes, as sessions that begin now see them.
  caf::replies_to<shards_atom>::with<new_view>>;

// Background work on content: reclaims garbage, completes what was written in part. Driven by its own timer; in a cluster
// idle unless it is this process that heals (healing_view.hpp).
struct healing_view;
struct new_healing_view {
  new_healing_view() = default;
  explicit new_healing_view(std::shared_ptr<const healing_view> v) : view(std::move(v)) {}
  std::shared_ptr<const healing_view> view;
};
using healer_actor = caf::typed_actor<caf::reacts_to<tick_atom>, caf::reacts_to<repair_atom>,
  caf::reacts_to<compare_atom, std::uint64_t>, caf::reacts_to<next_atom>, caf::reacts_to<view_atom, new_healing_view>,
  // Garbage rows reclaimed since start.
  caf::replies_to<status_atom>::with<std::uint64_t>,
  // An operator's order, taken when it is this process that heals: its part of the report.
  caf::replies_to<heal_atom, wire<pb::heal_order>>::with<wire<pb::heal_report>>>;

// The members of the cluster as gossip knows them; immutable.
struct gossip_member;
struct members_view {
  members_view() = default;
  explicit members_view(std::shared_ptr<const std::vector<gossip_member>> m) : members(std::move(m)) {}
  std::shared_ptr<const std::vector<gossip_member>> members;
};

// What is being read, or written and not yet named, somewhere (readers.hpp).
using readers_actor = caf::typed_actor<
  // Those of the ids that are in use. An error while somebody who may use them does not answer.
  caf::replies_to<pinned_atom, wire<pb::data_ids>>::with<wire<pb::data_ids>>,
  caf::reacts_to<view_atom, new_healing_view>>;

// Background work on where content is: moves pieces away from nodes that are lost or drained, and to where the ring wants
// them. Driven by its own timer; idle unless it is this process that heals.
using mover_actor = caf::typed_actor<caf::reacts_to<tick_atom, std::uint64_t>, caf::reacts_to<next_atom>,
  caf::reacts_to<view_atom, new_healing_view>, caf::replies_to<status_atom>::with<wire<pb::healing_status>>,
  // As the HEALER.
  caf::replies_to<heal_atom, wire<pb::heal_order>>::with<wire<pb::heal_report>>>;

// Background work on what nothing names: finds pieces that no row knows, and has them removed. Driven by its own timer;
// idle unless it is this process that heals.
using sweeper_actor = caf::typed_actor<caf::reacts_to<tick_atom>, caf::reacts_to<view_atom, new_healing_view>,
  caf::replies_to<status_atom>::with<wire<pb::sweep_status>>>;

// Who is alive, as this process sees it (core/gossip.hpp).
using gossiper_actor = caf::typed_actor<caf::reacts_to<gossip_atom, wire<pb::gossip_message>>,
  caf::replies_to<status_atom>::with<members_view>,
  // Tells others that this process goes away on purpose.
  caf::reacts_to<leave_atom>, caf::reacts_to<tick_atom>>;

// What the cluster is: the map that the metadata group decided, and what this process makes of it.
using ring_manager_actor = caf::typed_actor<caf::reacts_to<tick_atom>,
  // The map as it was read last; ec::unavailable before the first time.
  caf::replies_to<status_atom>::with<wire<pb::cluster_map>>,
  // Who is to be told what they need to know to heal.
  caf::reacts_to<mover_atom, healer_actor, mover_actor, readers_actor, sweeper_actor>,
  // An operator's request (core/map_change.hpp): the map with it, committed. ec::conflict: others changed the map
  // meanwhile, each time; ec::timeout: whether it was made is not known. What is so already is no error.
  caf::replies_to<change_atom, wire<pb::map_change>>::with<wire<pb::cluster_map>>>;

// Keeps this process's picture of who may do what (core/identity/) no older than its interval.
using identity_keeper_actor = caf::typed_actor<caf::reacts_to<tick_atom>,
  // Looks now: what was committed before this request is seen when this returns.
  caf::replies_to<sync_atom>::with<void>>;

// What every node and member of the cluster said, asked at one time (survey.hpp).
struct cluster_survey;
struct survey_result {
  survey_result() = default;
  explicit survey_result(std::shared_ptr<const cluster_survey> s) : survey(std::move(s)) {}
  std::shared_ptr<const cluster_survey> survey;
};
struct extent_survey;
struct extents_to_survey {
  extents_to_survey() = default;
  explicit extents_to_survey(std::vector<pb::extent> e) : extents(std::move(e)) {}
  std::vector<pb::extent> extents;
};
struct extent_surveys {
  extent_surveys() = default;
  explicit extent_surveys(std::shared_ptr<const std::vector<extent_survey>> s) : surveys(std::move(s)) {}
  std::shared_ptr<const std::vector<extent_survey>> surveys; // in the order asked
};

// What processes said of themselves, or of an order, by node; the others why they did not.
struct process_answers;
struct everyones_answers {
  everyones_answers() = default;
  explicit everyones_answers(std::shared_ptr<const process_answers> a) : answers(std::move(a)) {}
  std::shared_ptr<const process_answers> answers;
};

// Asks around on behalf of an operator. A node that does not answer is part of the answer, not an error.
using surveyor_actor = caf::typed_actor<
  // The storage nodes, as they are from now on.
  caf::reacts_to<view_atom, new_view>, caf::replies_to<status_atom>::with<survey_result>,
  // Which pieces are where they should be.
  caf::replies_to<compare_atom, extents_to_survey>::with<extent_surveys>,
  // Who heals in this process.
  caf::reacts_to<mover_atom, healer_actor, mover_actor>,
  // What runs in every process; `processes` is filled.
  caf::replies_to<everyone_atom, status_atom>::with<everyones_answers>,
  // The order, carried out by this node, or by all when it is empty; `faults` is filled. A crash needs a node.
  caf::replies_to<everyone_atom, fault_atom, wire<pb::fault_order>, std::string>::with<everyones_answers>,
  // The order, given to the HEALER and the MOVER of this process.
  caf::replies_to<heal_atom, wire<pb::heal_order>>::with<wire<pb::heal_report>>,
  // The same in every coordinator; `healing` is filled.
  caf::replies_to<everyone_atom, heal_atom, wire<pb::heal_order>>::with<everyones_answers>,
  // Looks around, while somebody watches.
  caf::reacts_to<tick_atom>>;

} // namespace troupe

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::trace_context) // between processes it is a field of the request
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::new_view)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::new_healing_view)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::members_view)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::survey_result)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::everyones_answers)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::extents_to_survey)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::extent_surveys)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::upload_options) // sessions and their coordinator share a process
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::upload_summary)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::log_sync)
