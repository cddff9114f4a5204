// rows: what the directory asks of the metadata group, for its front door and for /admin/directory: its layout, how many
// keys lie where, and the change of M. Every wait has a bound.
#pragma once

#include "actors/interfaces.hpp"
#include "api/http/ask.hpp"
#include "base/environment.hpp"
#include "core/directory_layout.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace troupe::directory {

inline constexpr std::uint64_t keys_counted_max = 1'000'000;

class rows {
public:
  // `actors` is of the io thread that runs the request.
  rows(http::actor_bridge& actors, metadata_actor metadata, const wall_clock& clock, const trace_context& trace = {})
      : actors_(&actors), metadata_(std::move(metadata)), clock_(&clock), trace_(trace) {}

  // All from one state; nothing where there is no row.
  http::task<result<std::vector<std::optional<std::string>>>> read(std::vector<std::string> keys);
  http::task<result<pb::list_reply>> list(std::string prefix, std::string after, std::uint32_t limit);
  http::task<result<pb::batch_result>> commit(pb::batch);

  // Made, with the hidden bucket, when there is none yet.
  http::task<result<directory_layout>> layout();
  // Commits a new epoch; keys are moved afterwards (actors/directory_drainer.hpp). The same number again is no change.
  http::task<result<directory_layout>> resize(std::uint32_t buckets);

private:
  static constexpr std::chrono::seconds timeout{15};
  http::actor_bridge* actors_;
  metadata_actor metadata_;
  const wall_clock* clock_;
  trace_context trace_;
};

struct key_count {
  std::map<std::uint32_t, std::uint64_t> by_bucket; // those that hold any
  std::uint64_t total = 0;
  bool more = false; // keys_counted_max was reached
};
// The keys below a prefix of object keys (epoch_prefix() or bucket_prefix()).
http::task<result<key_count>> count_keys(rows, std::string prefix);

} // namespace troupe::directory
