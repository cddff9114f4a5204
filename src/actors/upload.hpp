// UPLOAD: one object on its way in. Hashes what it gets, encodes each stripe, appends the pieces to their nodes, and at
// the end has every node sync once. Where pieces go when nodes fail: core/write_plan.hpp.
// Holds at most limits.stripes_in_flight stripes. Ends by finish, abandon or idle timeout, and takes its pieces back
// unless finish succeeded.
#pragma once

#include "actors/cluster_view.hpp"
#include "actors/hasher.hpp"
#include "actors/suspects.hpp"
#include "core/tracer.hpp"

#include <caf/fwd.hpp>

#include <atomic>
#include <memory>

namespace troupe {

struct upload_start {
  upload_start() = default; // not an aggregate: CAF rule 1
  data_id id;
  upload_options what; // its geometry was checked
  std::shared_ptr<const cluster_view> cluster;
  std::shared_ptr<suspects> suspected;
  hasher_actor hasher;
  std::shared_ptr<std::atomic<unsigned>> uploads; // at work now, of this replicator; the session counts itself
  session_limits limits;
  std::shared_ptr<const void> in_use; // goes to whoever commits, with the summary
  open_span traced;                   // the session's; its pieces' spans are children of it
};

result<upload_actor> spawn_upload(caf::actor_system&, upload_start);

} // namespace troupe
