// snapshot_keeper: the snapshots of this process's volumes: those that operators ask for, and the regular ones while it is the
// primary. One thing at a time. Thread safe; calls wait for the disk, or for the provider.
#pragma once

#include "base/environment.hpp"
#include "volumes/snapshot_schedule.hpp"
#include "volumes/volume_snapshot.hpp"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace troupe {

struct snapshot_keeper_options {
  snapshot_schedule_options schedule;
  // Of volumes whose provider makes them; others have directories. By volume.
  std::map<std::string, std::shared_ptr<snapshot_store>> stores;
  const wall_clock* clock = nullptr;
  const monotonic_clock* time = nullptr;
  // What became of a regular one; may be empty. Nothing: it was made.
  std::function<void(const std::string& volume, const std::string& name, const error*)> told;
};

class snapshot_keeper {
public:
  snapshot_keeper(snapshot_keeper_options, std::vector<std::shared_ptr<volume>>);

  // Of a volume of this process whose primary it is (ec::unavailable, ec::not_found). Else as snapshot_store.
  result<pb::snapshot_line> make(const std::string& volume_id, const std::string& name);
  result<std::vector<pb::snapshot_line>> list(const std::string& volume_id);
  result<> remove(const std::string& volume_id, const std::string& name);
  // The volume is to be taken anew then.
  result<> order_restore(const std::string& volume_id, const std::string& name);

  // Makes those that are due, removes those that are too many. Call it every second or so.
  void tick();

  // Since this process started.
  struct counts {
    std::uint64_t made = 0, failed = 0; // failed: also when one that is too many could not be removed
    unix_ms newest = 0;                 // when the last one was made; 0: none, or not known: of a backup
  };
  counts count(const std::string& volume_id) const;

private:
  struct kept {
    std::shared_ptr<troupe::volume> volume;
    std::shared_ptr<snapshot_store> store;
    snapshot_schedule schedule;
    counts count = {};    // count_mutex_
    bool looked = false;  // at what is there, as the primary
    std::mutex turn = {}; // one thing at a time
  };
  result<kept*> find(const std::string& volume_id);
  result<pb::snapshot_line> make(kept&, const std::string& name, bool regular);
  void saw(kept&, const std::vector<pb::snapshot_line>&);
  void tick(kept&);

  snapshot_keeper_options options_;
  std::map<std::string, std::unique_ptr<kept>> volumes_;
  mutable std::mutex count_mutex_;
};

} // namespace troupe
