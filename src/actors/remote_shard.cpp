#include "actors/remote_shard.hpp"

#include "actors/census.hpp"
#include "actors/peer_requests.hpp"

#include <caf/actor_system.hpp>
#include <caf/result.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace troupe {
namespace {

using answered_shard = shard_actor::extend<answered_by_peers>;

struct remote_shard_state {
  remote_shard_state() = default;
  static inline const char* name = "remote_shard";
  peer_requests peers;
  peer_address to;
  remote_timeouts timeouts;
};

using remote_pointer = answered_shard::stateful_pointer<remote_shard_state>;

result<> nothing(const peer_message&) { return {}; }

answered_shard::behavior_type remote_shard(
  remote_pointer self, std::shared_ptr<channel> net, const peer_address& to, const remote_timeouts& timeouts) {
  self->state.peers = peer_requests{std::move(net)};
  self->state.to = to;
  self->state.timeouts = timeouts;
  self->set_default_handler(caf::drop);
  return {
    [self](append_atom, const wire<pb::piece_id>& id, const chunk& bytes) {
      auto& s = self->state;
      return s.peers.forward<void>(
        self, s.to, plane::bulk, to_peer(peer_method::shard_append, *id, bytes), s.timeouts.piece, nothing);
    },
    [self](sync_atom) { // behind the appends that it is to cover
      auto& s = self->state;
      return s.peers.forward<void>(self, s.to, plane::bulk, to_peer(peer_method::shard_sync), s.timeouts.sync, nothing);
    },
    [self](read_atom, const wire<pb::piece_id>& id) {
      auto& s = self->state;
      return s.peers.forward<chunk>(self, s.to, plane::bulk, to_peer(peer_method::shard_read, *id), s.timeouts.piece,
        [](peer_message m) -> result<chunk> { return std::move(m.body); });
    },
    [self](remove_atom, const data_id& id) {
      auto& s = self->state;
      return s.peers.forward<void>(
        self, s.to, plane::control, to_peer(peer_method::shard_remove, id.to_bytes()), s.timeouts.question, nothing);
    },
    [self](compare_atom, const wire<pb::extent>& extent) {
      auto& s = self->state;
      return s.peers.forward<wire<pb::repair_record>>(self, s.to, plane::control,
        to_peer(peer_method::shard_compare, *extent), s.timeouts.question, head_of<pb::repair_record>);
    },
    [self](list_atom, const wire<pb::held_request>& what) {
      auto& s = self->state;
      return s.peers.forward<wire<pb::held_page>>(self, s.to, plane::control, to_peer(peer_method::shard_list, *what),
        s.timeouts.question, head_of<pb::held_page>);
    },
    [self](status_atom) {
      auto& s = self->state;
      return s.peers.forward<wire<pb::shard_status>>(
        self, s.to, plane::control, to_peer(peer_method::shard_status), s.timeouts.question, head_of<pb::shard_status>);
    },
    [self](answer_atom, const peer_answer& a) { self->state.peers.arrived(a); },
  };
}

} // namespace

shard_actor spawn_remote_shard(
  caf::actor_system& system, std::shared_ptr<channel> net, peer_address to, remote_timeouts timeouts) {
  return caf::actor_cast<shard_actor>(
    spawn_counted(system, remote_shard, std::move(net), std::move(to), std::move(timeouts)));
}

} // namespace troupe
