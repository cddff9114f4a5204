// kv_view: reading of a shard, wherever its records come from: kv_shard (the primary's own log) and kv_follower (the log
// that another process writes). Thread safe.
#pragma once

#include "base/error.hpp"
#include "volumes/kv_index.hpp"
#include "volumes/kv_limits.hpp"

#include <optional>
#include <shared_mutex>
#include <string>
#include <utility>
#include <vector>

namespace troupe {

struct kv_facts {
  std::uint64_t keys = 0;
  std::uint64_t log_bytes = 0;
  std::uint64_t live_bytes = 0; // of log_bytes; the rest is dead
  std::uint64_t tombstones = 0; // on the primary
  std::uint64_t memory_bytes = 0;
  std::uint64_t token = 0;           // of the last record
  std::uint64_t refused_records = 0; // kv_index::refused()
};

class kv_view {
public:
  virtual ~kv_view() = default;

  result<std::optional<std::string>> get(const std::string& key);
  struct page {
    std::vector<std::pair<std::string, std::string>> rows; // key, value
    bool more = false;
    std::string last; // pass as `after` to go on
  };
  // Ends after `limit` rows or about `bytes` of values.
  result<page> scan(const std::string& prefix, const std::string& after, std::size_t limit, std::size_t bytes);
  std::vector<std::string> lookup(
    const std::string& name, const std::string& value, const std::string& after, std::size_t limit) const;
  kv_facts facts() const;

protected:
  explicit kv_view(kv_index index) : index_(std::move(index)) {}

  virtual result<std::pair<log_record, chunk>> read(log_position) const = 0;
  // A record was not where the index had it: compaction may have moved it. Makes the index know; or `why`, or another error,
  // when that is not the reason.
  virtual result<> renew(const error& why) = 0;
  virtual std::uint64_t log_bytes() const = 0; // lock held

  mutable std::shared_mutex index_mutex_;
  kv_index index_;

private:
  // Remembers the record that was read last: neighbours of a batch lie in one.
  struct record_cache {
    log_position at;
    pb::kv_batch batch;
    bool filled = false;
  };
  std::optional<kv_index::place> find(const std::string& key) const;
  result<std::string> value_at(const std::string& key, const kv_index::place&, record_cache&) const;
  // Nothing: the key was deleted meanwhile.
  result<std::optional<std::string>> value_of(const std::string& key, kv_index::place, record_cache&);
};

} // namespace troupe
