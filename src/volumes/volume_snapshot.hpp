// volume_snapshot: a volume's shards as they were at some moment, below {root}/snapshots/{name}/: hard links of closed
// segments, which nobody changes, so a snapshot costs no space until shards are compacted or deleted. It lies on the volume itself:
// copy it elsewhere against the loss of the disk. Volumes of a provider that makes snapshots of its own have another
// snapshot_store (ebs_snapshots.hpp).
#pragma once

#include "base/environment.hpp"
#include "base/error.hpp"
#include "volume_orders.pb.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

class disk;
class volume;

struct snapshot_facts {
  std::uint64_t shards = 0;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
};

// Where the snapshots of a volume are kept. Thread safe; calls wait for the disk, or for the provider.
class snapshot_store {
public:
  virtual ~snapshot_store() = default;
  // On the primary. ec::conflict: there is one of that name; ec::bad_argument: names are as is_volume_id(); ec::no_space:
  // there are snapshots_max.
  virtual result<pb::snapshot_line> make(volume&, const std::string& name, unix_ms now) = 0;
  virtual result<std::vector<pb::snapshot_line>> list(const volume&) = 0; // oldest first
  virtual result<> remove(const volume&, const std::string& name) = 0;    // ec::not_found
  // Has the volume become that snapshot when it is taken the next time (volume::seal). ec::not_found; ec::not_implemented.
  virtual result<> order_restore(volume&, const std::string& name) = 0;
};

inline constexpr std::size_t snapshots_max = 1000; // of a volume

// For volumes that are directories.
std::unique_ptr<snapshot_store> make_directory_snapshots();

// Each shard is there as of a moment during the call: everything that was acknowledged before it. Durable on return.
result<snapshot_facts> snapshot_volume(volume&, const std::string& name, unix_ms now);

// Puts a snapshot's shards into the directory of a volume that no process has attached and that has no shards: links, or
// copies from another file system. The metadata group still knows the shards; those that were made later are missing, and
// answer that they are.
result<snapshot_facts> restore_volume(const std::string& snapshot_directory, const std::string& root);

// The second half of order_restore(), for whoever has just taken the volume and writes nothing yet: what the shards were goes to
// {root}/before-restore, those of the snapshot come in their place. Nothing when no restore was ordered. After a crash it
// is done again from the start.
result<> finish_restore(disk&, const std::string& root);

} // namespace troupe
