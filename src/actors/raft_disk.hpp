// raft_disk: what a Raft member must not forget: term and vote, the log's entries, and which entries the checkpointed
// state has made superfluous. Knows nothing of libraft's structures or of CAF. One thread owns it; only the tickets of
// prepare_sync() and write_manifest() run elsewhere.
//
// In `directory`: `vote` and `snapshot` (small, replaced atomically, checksummed), now and then `install` and
// `recovering` (the same), and the log of store/log.hpp with one
// record per entry (type = Raft's entry type, n1 = index, n2 = term). Every index from the snapshot's on is in the log.
#pragma once

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "store/log.hpp"
#include "troupe.pb.h"

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace troupe {

class disk;
class entropy;

struct raft_disk_options {
  std::string directory;
  std::uint64_t state_index = 0; // what the state beside it holds: decides how an interrupted install ends
  entropy* random = nullptr;     // for the log; nothing: the system's
  std::uint64_t segment_bytes = std::uint64_t{16} << 20;
  std::uint32_t entry_bytes_max = std::uint32_t{9} << 20; // one batch of 8 MiB and its envelope
};

class raft_disk {
public:
  struct entry {
    std::uint64_t term = 0;
    std::uint8_t type = 0; // 1..255
    bytes_view payload;
  };
  struct loaded_entry {
    std::uint64_t term = 0;
    std::uint8_t type = 0;
    chunk payload;
  };

  // ec::corrupt when the files contradict each other or fail their checksums; the message names file or segment.
  static result<std::unique_ptr<raft_disk>> open(disk&, raft_disk_options);

  // Never started: may be bootstrapped (a crash during that may have left term 1 behind).
  bool pristine() const { return vote_.term() <= 1 && !manifest_ && kept_.empty(); }
  std::uint64_t term() const { return vote_.term(); }
  std::uint64_t voted_for() const { return vote_.voted_for(); }
  result<> set_vote(std::uint64_t term, std::uint64_t voted_for); // durable on return

  const std::optional<pb::raft_manifest>& manifest() const { return manifest_; }
  std::uint64_t snapshot_index() const { return manifest_ ? manifest_->index() : 0; }
  std::uint64_t last_index() const { return first_kept_ + kept_.size() - 1; }
  // The entries after the snapshot, from snapshot_index() + 1 on; once, after open().
  std::vector<loaded_entry> take_loaded() { return std::move(loaded_); }

  // Entries last_index() + 1 and on: all or none of them. Durable after the next sync. ec::no_space is the only error
  // after which it goes on.
  result<> append(std::span<const entry>);
  result<> truncate_from(std::uint64_t index); // that entry and all later ones; durable on return
  log_sync prepare_sync() { return log_->prepare_sync(); }
  void synced(const log_sync& ticket, const result<>& outcome) { log_->synced(ticket, outcome); }
  result<> sync() { return log_->sync(); }
  std::vector<log_segment_info> segments() const { return log_->segments(); }

  // Any thread. The state must hold everything up to manifest.index() durably before.
  static result<> write_manifest(disk&, const std::string& directory, const pb::raft_manifest&);
  // That manifest is on disk: forgets all entries but the last `trailing` (at least one) before it. A segment that
  // cannot be removed now is left for the next time.
  void snapshotted(const pb::raft_manifest&, std::uint64_t trailing);

  // The state is about to be replaced by one that `manifest` describes; then it was, and the log follows: nothing of it
  // stays. Both durable on return.
  result<> intend(const pb::raft_manifest&);
  result<> reset_to(const pb::raft_manifest&);
  result<> forget_intent();

  // This member has lost what it promised: raft_host.hpp. Durable on return.
  bool recovering() const { return recovering_; }
  result<> set_recovering(bool);

  std::uint64_t payload_bytes() const { return payload_bytes_; } // of all entries that are not forgotten

private:
  struct place {
    log_position position;
    std::uint64_t payload_bytes = 0;
  };
  raft_disk(disk& files, raft_disk_options options) : files_(files), options_(std::move(options)) {}
  result<> load();
  result<> load_entry(const log_entry_view&);
  result<> load_intent();
  result<> check_loaded() const;
  result<> finish_reset(std::optional<log_position> stale);

  disk& files_;
  raft_disk_options options_;
  pb::raft_vote vote_;
  std::optional<pb::raft_manifest> manifest_;
  std::unique_ptr<log> log_;
  std::vector<loaded_entry> loaded_;
  bool recovering_ = false;
  bool intended_ = false;                  // there is an `install` file
  std::optional<log_position> stale_from_; // while loading
  std::uint64_t last_term_ = 0;            // while loading: of the entry before
  bool log_empty_ = true;                  // while loading
  // Where entries [first_kept_, first_kept_ + size) are. Bounded as the log is: by the owner's checkpoints.
  std::deque<place> kept_;
  std::uint64_t first_kept_ = 1;
  std::uint64_t payload_bytes_ = 0;
};

} // namespace troupe
