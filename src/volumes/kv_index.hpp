// kv_index: where each key's value is in a shard's log, and which keys a secondary index value has. In memory, rebuilt by
// replaying the log. A key costs about 160 bytes and itself, each of its index entries about 200 and its bytes twice.
// Not thread safe.
#pragma once

#include "store/log.hpp"
#include "volumes.pb.h"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

class kv_index {
public:
  struct place {
    log_position record;
    std::uint32_t entry = 0; // of the record's batch
  };

  // A record of the log, in order. One with a lower fencing token than an earlier one was written by somebody who was no
  // longer allowed to: it is left out, and counted. ec::corrupt: the payload is not a batch.
  result<> apply(const log_entry_view&);
  void apply(log_position, std::uint64_t token, const pb::kv_batch&);

  std::optional<place> find(const std::string& key) const;
  // Up to `limit` keys after `after` that begin with `prefix`, in byte order.
  std::vector<std::pair<std::string, place>> page(
    const std::string& prefix, const std::string& after, std::size_t limit) const;
  // The same of the keys that have this index value.
  std::vector<std::string> with_value(
    const std::string& name, const std::string& value, const std::string& after, std::size_t limit) const;

  std::size_t keys() const { return keys_.size(); }
  std::uint64_t memory_bytes() const { return memory_bytes_; } // an estimate
  std::uint64_t token() const { return token_; }               // the highest seen
  std::uint64_t refused() const { return refused_; }           // records with a lower one
  // What `batch` would add at most.
  static std::uint64_t cost(const pb::kv_batch&);

private:
  struct row {
    place where;
    std::vector<std::string> indexed; // keys of by_value_
  };
  std::map<std::string, row> keys_;
  std::set<std::string> by_value_; // name NUL, length of value as 4 bytes BE, value, key
  std::uint64_t memory_bytes_ = 0;
  std::uint64_t token_ = 0;
  std::uint64_t refused_ = 0;
};

// The type of a shard's log records; n1: nothing yet, n2: the fencing token.
inline constexpr std::uint8_t kv_batch_record = 1;

} // namespace troupe
