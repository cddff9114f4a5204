// process_controls: what one process says of itself, and is told to pretend, whoever asks: its own console or, by its PEER
// SERVICE, another's. Thread-safe. Faults are refused unless the configuration says `faults: enabled`.
#pragma once

#include "actors/volume_desk.hpp"
#include "base/error.hpp"
#include "core/event_log.hpp"
#include "net/faults.hpp"
#include "store/fault_disk.hpp"
#include "troupe.pb.h"

#include <functional>
#include <memory>

namespace troupe {

class actor_census;

// What is pretended; one for a process.
struct fault_switches {
  std::shared_ptr<net::fault_rules> network;
  std::shared_ptr<disk_faults> disk;
  // Ends the process as kill -9 would, in a moment: so that whoever asked gets an answer. Empty: can not be.
  std::function<void()> crash;
};

struct process_controls {
  const actor_census* census = nullptr;                                   // outlives this; nothing: no actors are shown
  std::function<void(pb::process_status&)> queues;                        // to other processes; may be empty
  std::shared_ptr<const fault_switches> faults;                           // nothing: they are not enabled
  std::shared_ptr<event_log> events;                                      // may be empty
  std::shared_ptr<volume_desk> volumes = std::make_shared<volume_desk>(); // of shards

  pb::process_status status() const;
  // ec::access_denied: not enabled; ec::bad_argument; ec::not_implemented: not in this process.
  result<pb::fault_report> carry_out(const pb::fault_order&) const;
};

} // namespace troupe
