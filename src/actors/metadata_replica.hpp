// metadata_replica: the metadata tables of one Raft member: the machine of core/metadata_machine.hpp over a state, and
// when that state is checkpointed. No CAF, no threads.
//
// Let S be the index of Raft's snapshot and P that of the state's checkpoint. A checkpoint writes P first and S after it,
// so S <= P always; after a restart Raft hands in everything after S once more, and what is <= P is skipped.
#pragma once

#include "actors/raft_host.hpp"
#include "core/metadata_machine.hpp"
#include "store/state.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace troupe {

// A checkpoint is due when any of these is reached. The bytes also bound what a start replays.
struct checkpoint_limits {
  std::uint64_t overlay_bytes = std::uint64_t{32} << 20; // rows in memory
  std::uint64_t command_bytes = std::uint64_t{32} << 20; // applied since the last one: libraft holds them in memory
  std::uint64_t commands = 50'000;
};

class metadata_replica final : public raft_machine {
public:
  // ec::corrupt when the state's position is not one of ours.
  static result<std::unique_ptr<metadata_replica>> open(std::shared_ptr<state_base>, checkpoint_limits);

  result<> apply(std::uint64_t index, bytes_view command) override;
  std::uint64_t checkpointed_index() const override { return checkpointed_; }
  bool wants_checkpoint() const override;
  std::function<result<>()> begin_checkpoint(std::uint64_t index, std::uint64_t term) override;
  void end_checkpoint(const result<>& outcome, bool snapshot_taken) override;
  // Another member's state instead of this one. Not during a checkpoint.
  result<> replace(state_arrival&);
  // That a position of a state names; ec::corrupt when it is none of ours.
  static result<std::uint64_t> index_of(const std::string& position);
  // After a failure the owner decides when the next try is due.
  void pause_checkpoints(bool paused) { paused_ = paused; }

  // Told what each batch of an entry did, while the entry is applied.
  using outcome_sink = std::function<void(std::uint64_t index, metadata_machine::batch_outcome)>;
  void on_outcome(outcome_sink tell) { tell_ = std::move(tell); }
  // An entry that was proposed here needs no parsing: it is taken from whoever has it. Null: parse the command.
  using entry_source = std::function<pb::log_entry*(std::uint64_t index)>;
  void take_entries_from(entry_source source) { source_ = std::move(source); }
  result<pb::read_reply> read(const pb::read_request& request) const { return machine_.read(request); }
  result<pb::list_reply> list(const pb::list_request& request) const { return machine_.list(request); }

private:
  metadata_replica(std::shared_ptr<state_base> base, checkpoint_limits limits, std::uint64_t checkpointed)
      : rows_(std::move(base)), machine_(rows_), limits_(limits), applied_(checkpointed), checkpointed_(checkpointed) {}

  state rows_;
  metadata_machine machine_;
  checkpoint_limits limits_;
  outcome_sink tell_;
  entry_source source_;
  std::uint64_t applied_ = 0;      // the rows hold everything up to here
  std::uint64_t checkpointed_ = 0; // and this much of it survives without the log
  std::uint64_t checkpointing_ = 0;
  std::uint64_t handed_in_ = 0;                    // by Raft; behind applied_ during a replay
  std::uint64_t command_bytes_ = 0, commands_ = 0; // since the last begin_checkpoint()
  bool paused_ = false;
};

} // namespace troupe
