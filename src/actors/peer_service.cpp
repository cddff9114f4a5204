#include "actors/peer_service.hpp"

#include "actors/census.hpp"
#include "actors/peer_methods.hpp"
#include "actors/process_controls.hpp"
#include "actors/readers.hpp"
#include "actors/volume_desk.hpp"

#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace troupe {
namespace {

struct peer_service_state {
  peer_service_state() = default;
  static inline const char* name = "peer_service";
  peer_service_options options;
};

using service_pointer = peer_service_actor::stateful_pointer<peer_service_state>;

error not_played(const char* role) {
  return fail(ec::not_implemented, std::string{"this process does not play the role "} + role);
}

// Asks `to`, answers with what `pack` makes of its reply (of type R; void: nothing).
template <class R, class Handle, class Pack, class... Ts>
void ask(
  service_pointer self, const Handle& to, const char* role, const channel::on_answer& answer, Pack pack, Ts&&... xs) {
  if (!to) return answer(not_played(role));
  auto failed = [answer](const caf::error& e) { answer(from_caf(e)); };
  auto request = self->request(to, self->state.options.timeout, std::forward<Ts>(xs)...);
  if constexpr (std::is_void_v<R>)
    std::move(request).then([answer, pack] { answer(pack()); }, failed);
  else
    std::move(request).then([answer, pack](R& r) { answer(pack(r)); }, failed);
}

template <class T>
peer_message packed(wire<T>& m) {
  return {.method = 0, .head = m->SerializeAsString(), .body = {}};
}

// A request whose head is a T, and whose reply's head is an R.
template <class T, class R, class Handle, class Atom>
void ask_head(service_pointer self, const Handle& to, const char* role, const served_request& r, Atom atom) {
  auto head = parse_head<T>(r.message);
  if (!head) return r.answer(head.error());
  ask<wire<R>>(self, to, role, r.answer, packed<R>, atom, wire<T>{std::move(*head)});
}

void serve_shard(service_pointer self, const served_request& r, peer_method method) {
  auto& shard = self->state.options.shard;
  constexpr const char* role = "storage";
  auto nothing = [] { return peer_message{}; };
  switch (method) {
  case peer_method::shard_append: {
    auto id = parse_head<pb::piece_id>(r.message);
    if (!id) return r.answer(id.error());
    return ask<void>(
      self, shard, role, r.answer, nothing, append_atom::value, wire<pb::piece_id>{std::move(*id)}, r.message.body);
  }
  case peer_method::shard_sync: return ask<void>(self, shard, role, r.answer, nothing, sync_atom::value);
  case peer_method::shard_read: {
    auto id = parse_head<pb::piece_id>(r.message);
    if (!id) return r.answer(id.error());
    auto pack = [](chunk& c) { return peer_message{.method = 0, .head = {}, .body = std::move(c)}; };
    return ask<chunk>(self, shard, role, r.answer, pack, read_atom::value, wire<pb::piece_id>{std::move(*id)});
  }
  case peer_method::shard_remove:
    if (r.message.head.size() != data_id{}.raw.size())
      return r.answer(fail(ec::bad_argument, "a data id has 16 bytes"));
    return ask<void>(self, shard, role, r.answer, nothing, remove_atom::value, data_id::from_bytes(r.message.head));
  case peer_method::shard_compare:
    return ask_head<pb::extent, pb::repair_record>(self, shard, role, r, compare_atom::value);
  case peer_method::shard_list:
    return ask_head<pb::held_request, pb::held_page>(self, shard, role, r, list_atom::value);
  default:
    return ask<wire<pb::shard_status>>(self, shard, role, r.answer, packed<pb::shard_status>, status_atom::value);
  }
}

void serve_metadata(service_pointer self, const served_request& r, peer_method method) {
  auto& metadata = self->state.options.metadata;
  constexpr const char* role = "metadata";
  switch (method) {
  case peer_method::metadata_read:
    return ask_head<pb::read_request, pb::read_reply>(self, metadata, role, r, read_atom::value);
  case peer_method::metadata_list:
    return ask_head<pb::list_request, pb::list_reply>(self, metadata, role, r, list_atom::value);
  case peer_method::metadata_commit:
    return ask_head<pb::batch, pb::batch_result>(self, metadata, role, r, commit_atom::value);
  case peer_method::metadata_copy:
    return ask_head<pb::state_copy_request, pb::state_copy_page>(self, metadata, role, r, copy_atom::value);
  case peer_method::metadata_members: {
    auto change = parse_head<pb::member_change>(r.message);
    if (!change) return r.answer(change.error());
    return ask<void>(
      self, metadata, role, r.answer, [] { return peer_message{}; }, members_atom::value,
      wire<pb::member_change>{std::move(*change)});
  }
  default:
    return ask<wire<pb::metadata_status>>(
      self, metadata, role, r.answer, packed<pb::metadata_status>, status_atom::value);
  }
}

void serve_pins(service_pointer self, const served_request& r) {
  auto* pins = self->state.options.pins;
  if (pins == nullptr) return r.answer(not_played("coordinator"));
  auto ids = parse_head<pb::data_ids>(r.message);
  if (!ids) return r.answer(ids.error());
  r.answer(peer_message{.method = 0, .head = pinned_here(*ids, *pins).SerializeAsString(), .body = {}});
}

void serve_operators(service_pointer self, const served_request& r, peer_method method) {
  auto& o = self->state.options;
  if (method == peer_method::process_heal)
    return ask_head<pb::heal_order, pb::heal_report>(self, o.surveyor, "coordinator", r, heal_atom::value);
  if (!o.controls) return r.answer(fail(ec::not_implemented, "this process does not answer operators"));
  auto packed_head = [](const auto& m) { return peer_message{.method = 0, .head = m.SerializeAsString(), .body = {}}; };
  if (method == peer_method::process_status) return r.answer(packed_head(o.controls->status()));
  if (method == peer_method::process_volume) {
    auto about = parse_head<pb::volume_order>(r.message);
    if (!about) return r.answer(about.error());
    return o.controls->volumes->carry_out(std::move(*about), [answer = r.answer, packed_head](const auto& said) {
      answer(said ? result<peer_message>{packed_head(*said)} : result<peer_message>{said.error()});
    });
  }
  auto order = parse_head<pb::fault_order>(r.message);
  if (!order) return r.answer(order.error());
  auto done = o.controls->carry_out(*order);
  if (!done) return r.answer(done.error());
  r.answer(packed_head(*done));
}

void serve_post(service_pointer self, const served_request& r, peer_method method) {
  auto& o = self->state.options;
  if (method == peer_method::gossip && o.gossiper)
    if (auto m = parse_head<pb::gossip_message>(r.message))
      self->send(o.gossiper, gossip_atom::value, wire<pb::gossip_message>{std::move(*m)});
  if (method == peer_method::metadata_raft && o.metadata)
    if (auto m = parse_head<pb::raft_message>(r.message))
      self->send(o.metadata, raft_atom::value, wire<pb::raft_message>{std::move(*m)});
}

void serve(service_pointer self, const served_request& r) {
  auto method = static_cast<peer_method>(r.message.method);
  if (!r.answer) return serve_post(self, r, method);
  if (method >= peer_method::shard_append && method <= peer_method::shard_list) return serve_shard(self, r, method);
  if (method >= peer_method::metadata_read && method <= peer_method::metadata_members)
    return serve_metadata(self, r, method);
  if (method == peer_method::pins) return serve_pins(self, r);
  if (method >= peer_method::process_status && method <= peer_method::process_volume)
    return serve_operators(self, r, method);
  r.answer(fail(ec::not_implemented, "this process does not know request " + std::to_string(r.message.method)));
}

} // namespace

peer_service_actor spawn_peer_service(caf::actor_system& system, peer_service_options options) {
  return spawn_counted(
    system, [options = std::move(options)](service_pointer self) mutable -> peer_service_actor::behavior_type {
      self->state.options = std::move(options);
      self->set_default_handler(caf::drop);
      return {[self](serve_atom, const served_request& r) { serve(self, r); }};
    });
}

peer_handler handler_of(const peer_service_actor& service) {
  return [service](const std::string& from, peer_message message, channel::on_answer answer) {
    served_request r;
    r.from = from;
    r.message = std::move(message);
    r.answer = std::move(answer);
    caf::anon_send(service, serve_atom::value, std::move(r));
  };
}

} // namespace troupe
