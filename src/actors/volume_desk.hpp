// volume_desk: where a process takes orders about its volumes of shards: from its own console or, by its PEER SERVICE, from
// another's. Whoever has the volumes (roles/shards_front.hpp) opens it and closes it again. Thread-safe.
#pragma once

#include "base/error.hpp"
#include "volume_orders.pb.h"

#include <functional>
#include <mutex>

namespace troupe {

class volume_desk {
public:
  using on_report = std::function<void(const result<pb::volume_report>&)>;
  // Must not wait: takes the order, and answers later from any thread, or drops `then`.
  using carrier = std::function<void(pb::volume_order, on_report then)>;

  void open(carrier);
  void close(); // no carrier is being called when it returns

  // `then` is called exactly once, by any thread: ec::unavailable when the carrier dropped it. While the desk is closed there are
  // no volumes here: an empty report, or ec::not_found.
  void carry_out(pb::volume_order, on_report then) const;

private:
  mutable std::mutex mutex_;
  carrier carrier_;
};

} // namespace troupe
