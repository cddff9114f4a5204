// volume: a directory of shards, {root}/shard-{id}/log-{token}/, and what this process has open of it: as its primary, or
// as a backup that only reads. Whether it is the primary is decided elsewhere (the failover elector) and told here.
// Thread safe.
#pragma once

#include "store/disk.hpp"
#include "volumes.pb.h"
#include "volumes/kv_follower.hpp"
#include "volumes/kv_shard.hpp"
#include "volumes/lease_guard.hpp"

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
};

class volume {
public:
  explicit volume(shard_volume_options);

  const std::string& id() const { return options_.id; }
  const std::string& root() const { return options_.root; }
  bool shared() const { return options_.shared; }

  // Takes every log of the volume away from earlier holders, for the one with this token. Before hold() with it. May take
  // a while: a copy of each shard's active segment when the volume is shared.
  result<> seal(std::uint64_t token);
  // This process may write until then, as `row` says, which it committed. Again with each renewal.
  void hold(const pb::volume_row& row, monotonic_time until);
  void step_down();
  // What the metadata group said last of who may write, so that clients can be told without asking it.
  void saw(const pb::volume_row&);
  pb::volume_row seen() const;
  // The row that it holds the volume by, while it does.
  std::optional<pb::volume_row> held() const;

  // ec::unavailable: this process is not the primary. ec::corrupt: the volume has no such shard.
  result<std::shared_ptr<kv_shard>> writable(std::uint64_t shard);
  struct reading {
    std::shared_ptr<const kv_view> view;
    monotonic_time age{0}; // how old what it shows may be; 0 on the primary
    bool primary = false;
  };
  result<reading> readable(std::uint64_t shard);

  result<> make_shard(std::uint64_t shard);   // on the primary: durable on return
  result<> remove_shard(std::uint64_t shard); // the same; fine when it is gone
  std::string shard_directory(std::uint64_t shard) const { return "shard-" + std::to_string(shard); }
  result<std::vector<std::uint64_t>> shards() const; // that have a directory, ascending
  std::size_t open_shards() const;
  result<disk_space> space() const { return disk_->space(); }

private:
  // One shard that is open or being opened.
  struct slot {
    std::mutex opening;
    std::shared_ptr<kv_shard> writer;
    std::shared_ptr<kv_follower> reader;
    bool idle() const { return writer.use_count() <= 1 && reader.use_count() <= 1; }
  };
  struct use {
    std::shared_ptr<slot> shard;
    std::uint64_t when = 0;
  };
  std::shared_ptr<slot> slot_of(std::uint64_t shard); // lock held
  result<std::shared_ptr<kv_shard>> open_writer(slot&, std::uint64_t shard, std::uint64_t token, bool make);
  result<std::shared_ptr<kv_shard>> writable(std::uint64_t shard, bool make);

  shard_volume_options options_;
  std::unique_ptr<disk> disk_;
  lease_guard lease_;
  mutable std::mutex mutex_;
  pb::volume_row row_;
  pb::volume_row seen_;
  std::uint64_t token_ = 0; // of the writers in open_
  std::map<std::uint64_t, use> open_;
  std::uint64_t uses_ = 0;
};

} // namespace troupe
