// node_controls: what operators may ask of a node's process beside its roles: what runs in it, and what it pretends.
#pragma once

#include "actors/process_controls.hpp"
#include "store/disk.hpp"

#include <memory>
#include <string>

namespace troupe {

class actor_census;
class tcp_channel;

// For a process whose configuration says `faults: enabled`. A crash is SIGKILL, in a moment: whoever asked gets an answer.
std::shared_ptr<const fault_switches> make_fault_switches();

// The disk under a directory that is there; with switches it fails when it is told to. Volumes: "storage", "metadata".
std::shared_ptr<disk> node_disk(const std::string& directory, const char* volume, const fault_switches*);

// The census outlives it; the channel is held.
std::shared_ptr<const process_controls> make_node_controls(
  const actor_census&, std::shared_ptr<tcp_channel>, std::shared_ptr<const fault_switches>, std::shared_ptr<event_log>);

} // namespace troupe
