// kv_limits: the bounds of what a shard takes, and the check of one batch against them. Not the check of who asks.
#pragma once

#include "base/error.hpp"
#include "volumes.pb.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace troupe {

struct kv_limits {
  std::size_t key_bytes_max = 1024; // and 1 at least
  std::size_t value_bytes_max = std::size_t{2} << 20;
  std::size_t index_name_bytes_max = 64; // a-z A-Z 0-9 . _ -
  std::size_t index_value_bytes_max = 1024;
  int indexes_max = 8; // of one key
  int batch_entries_max = 1000;
  std::size_t batch_bytes_max = std::size_t{3} << 20;        // keys, values and indexes, encoded
  std::uint64_t shard_bytes_max = std::uint64_t{2} << 30;    // of its log: what is dead counts until it is compacted
  std::uint64_t memory_bytes_max = std::uint64_t{256} << 20; // of its index
  std::uint64_t segment_bytes = std::uint64_t{16} << 20;     // of its log: what a takeover copies at most
  // Beyond shard_bytes_max, so that keys of a full shard can be deleted.
  std::uint64_t delete_reserve_bytes() const { return shard_bytes_max / 32; }
};

// ec::bad_argument, or ec::too_large; names the entry.
result<> check_batch(const pb::kv_batch&, const kv_limits&);
// The same of a key that is looked up.
result<> check_key(const std::string& key, const kv_limits&);
result<> check_index_name(const std::string& name, const kv_limits&);

} // namespace troupe
