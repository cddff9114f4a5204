#include "roles/node_controls.hpp"

#include "net/tcp_channel.hpp"

#include <condition_variable>
#include <csignal>
#include <mutex>
#include <thread>
#include <unistd.h>

namespace troupe {
namespace {

constexpr std::chrono::milliseconds crash_delay{100};

// As kill -9 would: nothing is flushed, no destructor runs.
void end_soon() {
  std::thread{[] {
    std::mutex m;
    std::condition_variable never;
    std::unique_lock lock{m};
    never.wait_for(lock, crash_delay, [] { return false; });
    ::kill(::getpid(), SIGKILL);
  }}.detach();
}

} // namespace

std::shared_ptr<const fault_switches> make_fault_switches() {
  return std::make_shared<const fault_switches>(fault_switches{
    .network = std::make_shared<net::fault_rules>(), .disk = std::make_shared<disk_faults>(), .crash = end_soon});
}

std::shared_ptr<disk> node_disk(const std::string& directory, const char* volume, const fault_switches* faults) {
  std::shared_ptr<disk> real = make_posix_disk(directory);
  if (faults == nullptr) return real;
  return make_fault_disk(std::move(real), faults->disk, volume);
}

std::shared_ptr<const process_controls> make_node_controls(const actor_census& census, std::shared_ptr<tcp_channel> net,
  std::shared_ptr<const fault_switches> faults, std::shared_ptr<event_log> events) {
  auto c = std::make_shared<process_controls>();
  c->census = &census;
  c->faults = std::move(faults);
  c->events = std::move(events);
  c->queues = [net = std::move(net)](pb::process_status& s) {
    for (auto& link : net->links()) {
      auto& q = *s.add_queues();
      q.set_node(link.node);
      q.set_plane(link.which == plane::control ? "control" : "bulk");
      q.set_connected(link.connected);
      q.set_queued_bytes(link.queued_bytes);
      q.set_unanswered(link.unanswered);
    }
  };
  return c;
}

} // namespace troupe
