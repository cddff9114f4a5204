// shard_catalog: the metadata store as the shards surface needs it: which shard is where and whose, who may write to a
// volume, and ids that are never used twice. The real one asks the metadata group (actors/shard_rows.hpp). Thread safe;
// calls wait.
#pragma once

#include "base/error.hpp"
#include "volumes.pb.h"

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

class shard_catalog {
public:
  virtual ~shard_catalog() = default;

  // The first of `count` ids in a row that nobody else gets, ever. Later calls answer higher ones.
  virtual result<std::uint64_t> reserve_ids(std::uint64_t count) = 0;
  virtual result<std::optional<pb::kv_shard_row>> find(std::uint64_t id) = 0;
  virtual result<std::vector<pb::kv_shard_row>> find_all(const std::vector<std::uint64_t>& ids) = 0; // those there are
  // Up to `limit` ids after `after`, ascending.
  virtual result<std::vector<std::uint64_t>> of_client(
    const std::string& client, std::uint64_t after, std::uint32_t limit) = 0;

  // A change is made only while the volume's row is `held` (the proposer's own): else ec::unavailable, and nothing is
  // changed. ec::timeout: whether it was made is not known.
  virtual result<> insert(const pb::kv_shard_row&, const pb::volume_row& held) = 0;
  virtual result<> replace(
    const pb::kv_shard_row& before, const pb::kv_shard_row& after, const pb::volume_row& held) = 0;
  virtual result<> erase(const pb::kv_shard_row&, const pb::volume_row& held) = 0;
};

// Hands out ids from ranges, so that a new shard seldom needs a commit for its id. What is left of a range when the
// process ends is never used. Thread safe.
class shard_ids {
public:
  explicit shard_ids(shard_catalog& catalog, std::uint64_t range = 64) : catalog_(catalog), range_(range) {}
  result<std::uint64_t> next() {
    std::lock_guard lock{mutex_};
    if (next_ == end_) {
      auto first = catalog_.reserve_ids(range_);
      if (!first) return std::move(first).error();
      next_ = *first;
      end_ = *first + range_;
    }
    return next_++;
  }

private:
  shard_catalog& catalog_;
  std::uint64_t range_;
  std::mutex mutex_;
  std::uint64_t next_ = 0, end_ = 0;
};

} // namespace troupe
