// What the parts of the SURVEYOR share. Internal to it: see surveyor.hpp. Surveys of nodes and extents: surveyor.cpp; what
// every process is asked: surveyor_everyone.cpp; what a watcher is told: surveyor_watch.cpp.
#pragma once

#include "actors/surveyor.hpp"

#include "actors/peer_requests.hpp"

#include <caf/result.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <map>
#include <memory>
#include <utility>

namespace troupe {

struct surveyor_state {
  surveyor_state() = default;
  surveyor_state(const surveyor_state&) = delete;
  surveyor_state& operator=(const surveyor_state&) = delete;
  ~surveyor_state() {
    for (auto& [to, member] : spawned) caf::anon_send_exit(member, caf::exit_reason::user_shutdown);
  }
  static inline const char* name = "surveyor";
  surveyor_options options;
  std::shared_ptr<const cluster_view> view;
  std::map<peer_address, metadata_actor> spawned;
  peer_requests peers; // of a cluster
  healer_actor healer; // both or none
  mover_actor mover;
  // What was seen last, while somebody watches; nothing: nobody did.
  std::shared_ptr<const cluster_survey> seen;
  std::map<node_id, pb::heal_report> seen_healing;
  std::uint64_t looks = 0;
  bool looking = false;
};

using answered_surveyor = surveyor_actor::extend<answered_by_peers>;
using surveyor_pointer = answered_surveyor::stateful_pointer<surveyor_state>;

// Answers once the last of those that were asked has answered, or has not.
template <class T, class Answer>
struct round {
  round(T v, Answer a) : value(std::move(v)), answer(std::move(a)) {}
  T value;
  Answer answer;
  std::size_t waiting = 1; // held until all requests are out
  void one_done() {
    if (--waiting == 0) answer(std::move(value));
  }
};

caf::result<everyones_answers> ask_everyones_status(surveyor_pointer self);
caf::result<everyones_answers> order_faults(
  surveyor_pointer self, const wire<pb::fault_order>& order, const std::string& node);
// To the HEALER and the MOVER of this process.
caf::result<wire<pb::heal_report>> order_healing(surveyor_pointer self, const wire<pb::heal_order>& order);
caf::result<everyones_answers> order_healing_everywhere(surveyor_pointer self, const wire<pb::heal_order>& order);

// Looks around and notes what changed, when somebody watches; then again.
void look_around(surveyor_pointer self);

} // namespace troupe
