#include "actors/remote_metadata.hpp"

#include "actors/census.hpp"
#include "actors/peer_requests.hpp"

#include <caf/actor_system.hpp>
#include <caf/result.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace troupe {
namespace {

using answered_metadata = metadata_actor::extend<answered_by_peers>;

struct remote_metadata_state {
  remote_metadata_state() = default;
  static inline const char* name = "remote_metadata";
  peer_requests peers;
  peer_address to;
  std::chrono::milliseconds timeout{0};
};

using metadata_pointer = answered_metadata::stateful_pointer<remote_metadata_state>;

// A request whose reply's head is an R.
template <class R>
caf::result<wire<R>> forward(metadata_pointer self, peer_message m) {
  auto& s = self->state;
  return s.peers.forward<wire<R>>(self, s.to, plane::control, std::move(m), s.timeout, head_of<R>);
}

answered_metadata::behavior_type remote_metadata(
  metadata_pointer self, std::shared_ptr<channel> net, const peer_address& to, std::chrono::milliseconds timeout) {
  self->state.peers = peer_requests{std::move(net)};
  self->state.to = to;
  self->state.timeout = timeout;
  self->set_default_handler(caf::drop);
  return {
    [self](read_atom, const wire<pb::read_request>& r) {
      return forward<pb::read_reply>(self, to_peer(peer_method::metadata_read, *r));
    },
    [self](list_atom, const wire<pb::list_request>& r) {
      return forward<pb::list_reply>(self, to_peer(peer_method::metadata_list, *r));
    },
    [self](commit_atom, const wire<pb::batch>& b) {
      return forward<pb::batch_result>(self, to_peer(peer_method::metadata_commit, *b));
    },
    [self](status_atom) { return forward<pb::metadata_status>(self, to_peer(peer_method::metadata_status)); },
    [self](raft_atom, const wire<pb::raft_message>& m) {
      auto& s = self->state;
      s.peers.net().post(s.to, plane::control, to_peer(peer_method::metadata_raft, *m));
    },
    [self](copy_atom, const wire<pb::state_copy_request>& r) {
      auto& s = self->state; // its pages are bulk
      return s.peers.forward<wire<pb::state_copy_page>>(
        self, s.to, plane::bulk, to_peer(peer_method::metadata_copy, *r), s.timeout, head_of<pb::state_copy_page>);
    },
    [self](members_atom, const wire<pb::member_change>& c) {
      auto& s = self->state;
      return s.peers.forward<void>(self, s.to, plane::control, to_peer(peer_method::metadata_members, *c), s.timeout,
        [](const peer_message&) -> result<> { return {}; });
    },
    [self](answer_atom, const peer_answer& a) { self->state.peers.arrived(a); },
  };
}

} // namespace

metadata_actor spawn_remote_metadata(
  caf::actor_system& system, std::shared_ptr<channel> net, peer_address to, std::chrono::milliseconds timeout) {
  return caf::actor_cast<metadata_actor>(
    spawn_counted(system, remote_metadata, std::move(net), std::move(to), timeout));
}

} // namespace troupe
