// DOWNLOAD: one range of an extent on its way out. Reads ahead by a bounded window; every piece comes verified from its
// shard. A piece that fails, or takes longer than most, is decoded from others (core/stripe_read.hpp).
// Ends by the empty chunk after the last byte, an error, abandon, or idle timeout.
#pragma once

#include "actors/cluster_view.hpp"
#include "core/tracer.hpp"

#include <caf/fwd.hpp>

#include <memory>

namespace troupe {

struct download_start {
  download_start() = default; // not an aggregate: CAF rule 1
  wire<pb::extent> extent;
  std::uint64_t offset = 0, length = 0; // clipped to the extent
  std::shared_ptr<const cluster_view> cluster;
  std::shared_ptr<read_latency> latency;
  session_limits limits;
  open_span traced; // the session's; those of the pieces of its first stripes are children of it
};

// ec::corrupt when the extent makes no sense.
result<download_actor> spawn_download(caf::actor_system&, download_start);

} // namespace troupe
