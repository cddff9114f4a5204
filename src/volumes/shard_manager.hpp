// shard_manager: what a client may do with shards on this process's volumes: makes, closes, deletes, writes, reads. Checks
// who owns a shard and in which state it is; knows nothing of how the client was authenticated or what it speaks.
// Thread safe; calls wait for the disk and the metadata group.
//
// Errors: ec::not_found (no such shard, volume or key), ec::access_denied (somebody else's), ec::precondition_failed (the
// shard is read-only or deleted), ec::unavailable (not the primary, or being taken over), ec::no_space (full),
// ec::bad_argument and ec::too_large (limits), ec::timeout (whether it was done is not known).
#pragma once

#include "base/environment.hpp"
#include "volumes/shard_catalog.hpp"
#include "volumes/snapshot_keeper.hpp"
#include "volumes/volume.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace troupe {

struct shard_manager_options {
  std::string node;
  std::chrono::milliseconds delete_grace{60'000}; // between DeleteShard and the removal of the data
  std::chrono::milliseconds row_age_max{1000};    // of a row that a backup remembers
  wall_clock* clock = nullptr;
  const monotonic_clock* time = nullptr;
  snapshot_keeper_options snapshots; // its clocks are these two
};

struct shard_facts {
  pb::kv_shard_row row;
  kv_facts content; // zeros when it is not readable here
  bool primary = false;
  monotonic_time age{0};
};

// How many shards of a volume are in which state.
struct shard_states {
  std::uint64_t active = 0, read_only = 0, deleted = 0; // deleted: their data is still there
};

struct volume_facts {
  pb::volume_row row; // as the metadata group said last
  bool primary = false;
  std::uint64_t shards = 0;      // with a directory
  std::uint64_t open_shards = 0; // in this process
  volume::contents content;      // of those that it may write
  disk_space space;
  std::optional<shard_states> states; // on the primary, as the last sweep() found them
  volume::counts counts;
  snapshot_keeper::counts snapshots;
  std::optional<monotonic_time> lag; // of a backup
};

class shard_manager {
public:
  shard_manager(shard_manager_options, std::shared_ptr<shard_catalog>, std::vector<std::shared_ptr<volume>>);

  // On a volume of this process: the one of this name, or the primary's with the most room.
  result<pb::kv_shard_row> new_shard(const std::string& client, const std::string& volume_id);
  result<pb::kv_shard_row> close_shard(const std::string& client, std::uint64_t id);
  result<pb::kv_shard_row> delete_shard(const std::string& client, std::uint64_t id);
  result<> put(const std::string& client, std::uint64_t id, const pb::kv_batch&);
  // All keys or none; one that is not there is no error.
  result<> remove(const std::string& client, std::uint64_t id, std::span<const std::string* const> keys);
  // `latest`: refused on a backup.
  result<volume::reading> read(const std::string& client, std::uint64_t id, bool latest);
  result<shard_facts> facts(const std::string& client, std::uint64_t id);
  result<std::vector<std::uint64_t>> list(const std::string& client, std::uint64_t after, std::uint32_t limit);
  result<std::vector<volume_facts>> volumes();
  // Where the primary of the shard's or the named volume is; empty when that is not known, or here.
  std::string primary_of(std::uint64_t shard, const std::string& volume_id);
  volume* find_volume(const std::string& id) const;
  // Errors: as snapshot_keeper, and where the primary is.
  result<pb::snapshot_line> snapshot(const std::string& volume_id, const std::string& name);
  snapshot_keeper& snapshots() { return snapshots_; }

  // Removes the data of shards that were deleted long enough ago, on volumes whose primary this is, and counts the others. Has
  // backups catch up. Call it every second or so.
  result<std::uint64_t> sweep(); // how many
  // A step of compaction, on volumes whose primary this is, as volume::compact(). By one thread.
  result<kv_compacted> compact(const kv_compaction&);

private:
  struct known {
    pb::kv_shard_row row;
    std::uint64_t token =
      0; // by which this node held the volume then: nobody else changes the row meanwhile; 0: a backup
    monotonic_time read{0};
  };
  result<pb::kv_shard_row> row_of(const std::string& client, std::uint64_t id);
  void remember(const pb::kv_shard_row&, std::uint64_t token);
  error not_primary(const volume&) const;

  shard_manager_options options_;
  std::shared_ptr<shard_catalog> catalog_;
  std::vector<std::shared_ptr<volume>> volumes_;
  snapshot_keeper snapshots_;
  shard_ids ids_;
  std::size_t compacting_ = 0; // the volume to go on with
  std::mutex changing_;        // one change of a shard's state at a time
  std::mutex mutex_;
  std::map<std::uint64_t, known> known_;       // at most known_max
  std::map<std::string, shard_states> states_; // by volume
};

} // namespace troupe
