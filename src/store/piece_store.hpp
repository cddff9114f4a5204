// piece_store: what a shard keeps on its volume: pieces in a log, found through an index that is a checkpointed state.
// No CAF, no threads of its own: its owner serves one call at a time and runs syncs and checkpoints elsewhere.
// Durability: append() and remove() are durable after a sync that was prepared later. Compaction copies what lives out
// of segments with little life, and lets go of a segment only when everything that emptied it is on disk.
#pragma once

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "store/disk.hpp"
#include "store/log.hpp"
#include "store/piece_index.hpp"
#include "store/state.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe {

struct piece_store_options {
  std::string directory;
  std::uint64_t segment_bytes = std::uint64_t{64} << 20;
  std::uint64_t overlay_bytes_max = std::uint64_t{16} << 20; // a checkpoint is due beyond
  std::uint64_t replay_bytes_max = std::uint64_t{64} << 20;  // or beyond this much log since the last one
  double life_min = 0.5;                                     // closed segments with a smaller part alive are compacted
  // The volume counts as near full or full when less than the smaller of the part and the bytes is free.
  double near_full_part = 0.10, full_part = 0.05;
  std::uint64_t near_full_bytes = std::uint64_t{8} << 30, full_bytes = std::uint64_t{2} << 30;
};

enum class space_level { fine, near_full, full };
space_level level_of(const disk_space&, const piece_store_options&);

class piece_store {
public:
  static constexpr std::uint32_t piece_bytes_max = std::uint32_t{1} << 20;

  // Replays the log behind the index's checkpoint; all of it when the index is new, or knows of a log that is not
  // there (then it is emptied first). Damage in the log does not fail the open: see damage().
  static result<std::unique_ptr<piece_store>> open(disk&, piece_store_options, std::shared_ptr<state_base>);

  // The later bytes of the same piece win. ec::no_space when the volume is full, ec::closed after a write or sync error.
  result<> append(const piece_key&, bytes_view);
  // A whole piece, verified. ec::not_found, ec::corrupt, ec::io_error.
  result<chunk> read(const piece_key&) const;
  // Whether the index knows it; its bytes are not looked at.
  result<bool> has(const piece_key&) const;
  // The data ids that it has pieces of, ascending, behind `after` (nothing: from the first); at most `limit`.
  result<std::vector<data_id>> ids(const std::optional<data_id>& after, std::size_t limit) const;
  // Forgets every piece of the data_id. Fine when there is none.
  result<> remove(const data_id&);

  // Group commit. Nothing to do when unsynced() is false.
  bool unsynced() const { return log_->durable() < log_->end(); }
  log_sync prepare_sync() { return log_->prepare_sync(); }
  void synced(const log_sync&, const result<>& outcome);

  // One at a time: begin; sync everything appended so far; run the returned work anywhere; tell the outcome.
  bool checkpoint_due() const;
  std::function<result<>()> begin_checkpoint();
  void end_checkpoint(const result<>& outcome);

  // One bounded step of compaction: at most about `bytes` copied. `now`: of any clock that does not run backwards. An error
  // may be one piece that does not read: its segment is tried again after a pause that grows, up to retry_max.
  enum class compaction { idle, more, wants_sync };
  static constexpr std::chrono::milliseconds retry_min{60'000}, retry_max{std::chrono::hours{6}};
  result<compaction> compact(std::uint64_t bytes, std::chrono::milliseconds now);

  // The scrub: reads and verifies what lives in the log, in the order in which it lies there, in bounded steps. What is
  // written, or moved by compaction, after a round began is not part of it: the round ends where the log did.
  struct scrub_round {
    log_position next, end;
    std::uint64_t bytes_done = 0, bytes_total = 0; // of payloads with their headers
    bool over = false;
  };
  struct scrub_find {
    piece_key key;
    error what;
  };
  scrub_round begin_scrub() const;
  // A round of an earlier start goes on; a new one, when it speaks of what this log does not have.
  scrub_round resume_scrub(const scrub_round&) const;
  // Reads at least one piece, then goes on until about `bytes` have been read. Damage is what it returns; an error is one of
  // the index. Changes the round's place alone.
  result<std::vector<scrub_find>> scrub(scrub_round&, std::uint64_t bytes) const;
  // What the last compact() could not read, if that is why it failed; then nothing.
  std::optional<scrub_find> take_unreadable() { return std::exchange(unreadable_piece_, std::nullopt); }
  // Where it lies in the log, as the index says; nothing: it is not there.
  result<std::optional<log_position>> position_of(const piece_key&) const;

  struct counters {
    std::uint64_t pieces = 0, live_bytes = 0, log_bytes = 0, log_segments = 0;
  };
  counters count() const;
  const std::vector<log_damage>& damage() const { return log_->damage(); }
  bool rebuilt() const { return rebuilt_; } // the index was made anew from the log by open()
  space_level space() const { return space_; }
  // A write or a sync failed: what was not durable by then never will be. Empty: all is well.
  const std::string& poisoned() const { return poisoned_; }
  // Why nothing can be written; empty: it can. A full volume is a reason, too.
  std::string refusal() const;
  // The index against itself: a test calls it, and an operator's check.
  result<> check() const;

private:
  piece_store(disk& d, piece_store_options options, std::shared_ptr<state_base> base);
  result<> open_log(std::optional<log_position> from);
  // The rows from `from` on that begin with `prefix`, in order, until on_row says false. It must not change the index.
  using on_row = std::function<result<bool>(std::string_view key, std::string_view value)>;
  result<> each_row(std::string_view from, std::string_view prefix, const on_row&) const;
  result<> load_lives();
  result<> replay(const log_entry_view&);
  void freeze_lives();

  result<> place_piece(const std::string& row, log_position at, std::uint32_t bytes);
  result<std::vector<std::pair<std::string, piece_index::place>>> places_of(const data_id&) const;
  void forget(const std::string& row, const piece_index::place&);
  void keep_tombstone(log_position at, const piece_index::tombstone&);
  void drop_tombstone(log_position at);
  piece_index::segment_life& life_of(std::uint64_t segment);

  void poison(const error&);
  void look_at_space(std::uint64_t appended);

  bool active_wastes_space() const;
  bool choose_victim(std::chrono::milliseconds now);
  void give_up_victim(const piece_key&, const error&, std::chrono::milliseconds now);
  result<bool> copy_pieces(std::uint64_t bytes, std::chrono::milliseconds now); // true: none left
  result<> copy_tombstones();
  result<> sweep_tombstones();
  result<> release_segments();
  std::set<std::uint64_t> segment_numbers() const;

  disk& disk_;
  piece_store_options options_;
  state state_;
  std::unique_ptr<log> log_;
  std::map<std::uint64_t, piece_index::segment_life> lives_; // by segment
  std::set<std::uint64_t> life_changed_;                     // rows to write with the next checkpoint
  log_position checkpointed_;                                // the index on disk knows everything before it
  log_position checkpointing_;                               // will, when the checkpoint that runs has finished
  std::uint64_t replay_bytes_ = 0;                           // log behind checkpointed_
  std::uint64_t checkpointing_replay_bytes_ = 0;
  std::string poisoned_;
  space_level space_ = space_level::fine;
  std::uint64_t appended_since_look_ = 0;
  bool rebuilt_ = false;

  // Compaction: one victim at a time is copied away, then waits until that is on disk.
  struct emptied_segment {
    std::uint64_t number = 0;
    log_position safe; // durable up to here: it may go
  };
  std::optional<std::uint64_t> victim_;
  std::deque<emptied_segment> emptied_;
  struct retry {
    std::chrono::milliseconds at{0}, pause{0};
  };
  std::map<std::uint64_t, retry> unreadable_; // segments with a live record that could not be copied
  std::optional<scrub_find> unreadable_piece_;
  bool victim_waits_for_checkpoint_ = false;
  bool sweep_due_ = true;   // a segment went: tombstones may have become needless
  std::string sweep_after_; // row; empty: at the start
};

} // namespace troupe
