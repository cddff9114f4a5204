// volume_snapshot: a volume's shards as they were at some moment, below {root}/snapshots/{name}/: hard links of closed
// segments, which nobody changes, so a snapshot costs no space until shards are deleted. It lies on the volume itself:
// copy it elsewhere against the loss of the disk. For providers that are directories.
#pragma once

#include "base/error.hpp"

#include <cstdint>
#include <string>

namespace troupe {

class volume;

struct snapshot_facts {
  std::uint64_t shards = 0;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
};

// On the primary. Each shard is there as of a moment during the call: everything that was acknowledged before it. Durable
// on return. ec::conflict: there is one of that name; ec::bad_argument: names are as is_volume_id().
result<snapshot_facts> snapshot_volume(volume&, const std::string& name);

// Puts a snapshot's shards into the directory of a volume that no process has attached and that has no shards: links, or
// copies from another file system. The metadata group still knows the shards; those that were made later are missing, and
// answer that they are.
result<snapshot_facts> restore_volume(const std::string& snapshot_directory, const std::string& root);

} // namespace troupe
