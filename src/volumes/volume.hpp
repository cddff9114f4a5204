// volume: a directory of shards, {root}/shard-{id}/log-{token}/, and what this process has open of it: as its primary, or
// as a backup that only reads. Whether it is the primary is decided elsewhere (the failover elector) and told here.
// Thread safe.
#pragma once

#include "store/disk.hpp"
#include "volumes.pb.h"
#include "volumes/kv_follower.hpp"
#include "volumes/kv_shard.hpp"
#include "volumes/lease_guard.hpp"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

struct shard_volume_options {
  std::string id;
  std::string root;    // an existing directory
  bool shared = false; // other processes may write there: a takeover copies what they may have open
  std::size_t open_shards_max = 256;
  kv_limits limits;
  const monotonic_clock* clock = nullptr;
  entropy* random = nullptr;
  // Of a volume that is attached to its primary alone: has it there, before it is sealed. `mine`: whether the lease is still
  // this process's; ends early when not. May take minutes. And the other way round. Empty: it is always there.
  std::function<result<>(const std::function<bool()>& mine)> acquire;
  std::function<result<>()> release;
};

class volume {
public:
  explicit volume(shard_volume_options);

  const std::string& id() const { return options_.id; }
  const std::string& root() const { return options_.root; }
  bool shared() const { return options_.shared; }
  // Only its primary can read it.
  bool exclusive() const { return static_cast<bool>(options_.acquire); }

  // Takes every log of the volume away from earlier holders, for the one with this token. Before hold() with it. May take
  // a while: a copy of each shard's active segment when the volume is shared. A restore that was ordered happens here.
  result<> seal(std::uint64_t token);
  // Until then the lease with this token is this process's: it may seal, and write nothing yet.
  void claim(std::uint64_t token, monotonic_time until) { claim_.hold(token, until); }
  // This process may write until then, as `row` says, which it committed. Again with each renewal.
  void hold(const pb::volume_row& row, monotonic_time until);
  void step_down();
  // After it: of an exclusive volume, gives the directory back, so that another node can have it. May take a while.
  result<> release();
  // What the metadata group said last of who may write, so that clients can be told without asking it.
  void saw(const pb::volume_row&);
  pb::volume_row seen() const;
  // The row that it holds the volume by, while it does.
  std::optional<pb::volume_row> held() const;

  // ec::unavailable: this process is not the primary. ec::corrupt: the volume has no such shard.
  result<std::shared_ptr<kv_shard>> writable(std::uint64_t shard);
  // Runs `job` while the shard is not open to be written, and keeps it from being opened meanwhile. False: it is open.
  result<bool> while_closed(std::uint64_t shard, const std::function<result<>()>& job);
  struct reading {
    std::shared_ptr<kv_view> view;
    monotonic_time age{0}; // how old what it shows may be; 0 on the primary
    bool primary = false;
  };
  result<reading> readable(std::uint64_t shard);
  // On a backup: what it has open catches up, and how far it lags is measured. Call it every second or so.
  void follow();
  // How old the oldest of the shards that a backup has open is, as far as follow() has come: it grows while the disk does not
  // answer. Nothing on the primary.
  std::optional<monotonic_time> lag() const;

  result<> make_shard(std::uint64_t shard);   // on the primary: durable on return
  result<> remove_shard(std::uint64_t shard); // the same; fine when it is gone
  std::string shard_directory(std::uint64_t shard) const { return "shard-" + std::to_string(shard); }
  result<std::vector<std::uint64_t>> shards() const; // that have a directory, ascending
  std::size_t open_shards() const;
  // A step of compaction of one of the shards that are open here to be written; nothing to do: all zeros. Goes on with the same
  // shard until a segment is gone, then with the next. Errors name the shard; the others go on.
  result<kv_compacted> compact(const kv_compaction&);
  // Of those shards together.
  struct contents {
    std::uint64_t live_bytes = 0, dead_bytes = 0;
  };
  contents content() const;
  result<disk_space> space() const { return disk_->space(); }
  // Since this process started.
  struct counts {
    std::uint64_t replays = 0, replayed_bytes = 0;         // of shards' logs, to write to them
    std::uint64_t taken = 0, ended = 0;                    // leases of the volume
    std::uint64_t compacted_segments = 0, freed_bytes = 0; // removed bytes less those that were written again
  };
  counts count() const;

private:
  // One shard that is open or being opened.
  struct slot {
    std::mutex opening;
    std::shared_ptr<kv_shard> writer;
    std::shared_ptr<kv_follower> reader;
    monotonic_time read{0}; // when the reader was as new as the log, at least; mutex_
    bool idle() const { return writer.use_count() <= 1 && reader.use_count() <= 1; }
  };
  struct use {
    std::shared_ptr<slot> shard;
    std::uint64_t when = 0;
  };
  std::shared_ptr<slot> slot_of(std::uint64_t shard); // lock held
  std::vector<std::uint64_t> open_ids() const;
  std::shared_ptr<kv_shard> writer_of(std::uint64_t shard) const; // nothing when it is being opened, or not open
  result<std::shared_ptr<kv_shard>> open_writer(slot&, std::uint64_t shard, std::uint64_t token, bool make);
  result<std::shared_ptr<kv_shard>> writable(std::uint64_t shard, bool make);
  bool was_deleted(std::uint64_t shard) const;

  shard_volume_options options_;
  std::unique_ptr<disk> disk_;
  lease_guard lease_, claim_;
  mutable std::mutex mutex_;
  pb::volume_row row_;
  pb::volume_row seen_;
  std::uint64_t token_ = 0; // of the writers in open_
  std::map<std::uint64_t, use> open_;
  std::uint64_t uses_ = 0;
  counts counts_;
  bool holding_ = false;            // hold() came after the last step_down()
  std::uint64_t compacting_ = 0;    // the shard to go on with, or after
  std::uint64_t written_ahead_ = 0; // by compaction, of segments that are still there
  // When the oldest of what a backup has open was as new as its log; max(): nothing is open. Nothing: on the primary.
  std::optional<monotonic_time> followed_;
};

} // namespace troupe
