// kv_index: where each key's value is in a shard's log, and which keys a secondary index value has. In memory, rebuilt by
// replaying the log. A key costs about 160 bytes and itself, each of its index entries about 200 and its bytes twice, a
// tombstone about 120 and its key. Counts how much of each segment lives. Not thread safe.
//
// A tombstone is needed as long as a segment is there that may have an older record of its key: a segment from the one of
// the key's first record to the one of the record that it deleted. Who compacts keeps tombstones; who only reads does not.
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
    std::uint32_t bytes = 0; // that it takes of the log, with its share of the record's header
  };
  using segments = std::set<std::uint64_t>;

  explicit kv_index(bool keeps_tombstones = false) : keeps_tombstones_(keeps_tombstones) {}

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
  std::size_t tombstones() const { return tombstones_.size(); }
  std::uint64_t memory_bytes() const { return memory_bytes_; }   // an estimate
  std::uint64_t token() const { return token_; }                 // the highest seen
  std::uint64_t token_segment() const { return token_segment_; } // of the last record that had it
  std::uint64_t refused() const { return refused_; }             // records with a lower one
  // What `batch` would add at most.
  static std::uint64_t cost(const pb::kv_batch&);

  // For compaction.
  std::uint64_t live_bytes() const { return live_bytes_; } // of the log: values and tombstones
  std::uint64_t live_bytes(std::uint64_t segment) const;
  // What the log would lose with this entry: a value, a tombstone, or nothing.
  enum class life : std::uint8_t { dead, value, tombstone };
  life life_of(const std::string& key, log_position record, std::uint32_t entry) const;
  // Whether the key's tombstone still hides something in one of these.
  bool needs_tombstone(const std::string& key, const segments& there) const;
  void forget_tombstone(const std::string& key);
  // Forgets those that hide nothing, up to `count` after the key `after`; where to go on, or nothing.
  std::optional<std::string> forget_tombstones(const segments& there, const std::string& after, std::size_t count);
  // Its file is gone. Nothing in it lived.
  void forget_segment(std::uint64_t segment);
  // The last segment with records of a lower token; 0: none. They are refused because of records before them.
  std::uint64_t last_refused() const { return refused_in_.empty() ? 0 : *refused_in_.rbegin(); }
  bool has_unknown_records(std::uint64_t segment) const { return unknown_in_.contains(segment); }

private:
  struct row {
    place where;
    std::uint64_t oldest = 0;         // no older segment has a record of the key
    std::vector<std::string> indexed; // keys of by_value_
  };
  struct tombstone {
    place where;
    std::uint64_t oldest = 0, newest = 0; // segments that may have what it deleted
    bool needed(const segments& there) const;
  };
  void put(const pb::kv_entry&, const place&);
  void remove(const std::string& key, const place&);
  void unlink(row&);
  void lives(const place&);
  void dies(const place&);
  std::map<std::string, tombstone>::iterator forget(std::map<std::string, tombstone>::iterator);

  bool keeps_tombstones_;
  std::map<std::string, row> keys_;
  std::map<std::string, tombstone> tombstones_;
  std::set<std::string> by_value_;               // name NUL, length of value as 4 bytes BE, value, key
  std::map<std::uint64_t, std::uint64_t> lives_; // live bytes by segment
  std::uint64_t live_bytes_ = 0;
  std::uint64_t memory_bytes_ = 0;
  std::uint64_t token_ = 0, token_segment_ = 0;
  std::uint64_t refused_ = 0;
  segments refused_in_, unknown_in_;
};

// The type of a shard's log records; n1: nothing yet, n2: the fencing token.
inline constexpr std::uint8_t kv_batch_record = 1;

} // namespace troupe
