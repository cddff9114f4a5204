#include "actors/ring_manager.hpp"

#include "actors/census.hpp"
#include "actors/cluster_map_row.hpp"
#include "actors/group_members.hpp"
#include "actors/healing_view.hpp"
#include "actors/map_rows.hpp"
#include "actors/mover.hpp"
#include "actors/remote_shard.hpp"
#include "actors/reply.hpp"
#include "base/log_limit.hpp"
#include "core/cluster_requests.hpp"
#include "core/map_change.hpp"
#include "core/map_news.hpp"
#include "core/tables.hpp"

#include <caf/actor_system.hpp>
#include <caf/result.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <utility>

namespace troupe {
namespace {

constexpr unsigned change_tries_max = 8; // of an operator's request that others are faster than

struct ring_manager_state {
  ring_manager_state() = default;
  ring_manager_state(const ring_manager_state&) = delete;
  ring_manager_state& operator=(const ring_manager_state&) = delete;
  ~ring_manager_state() {
    for (auto& [to, shard] : shards) caf::anon_send_exit(shard, caf::exit_reason::user_shutdown);
  }
  static inline const char* name = "ring_manager";
  ring_manager_options options;
  std::chrono::milliseconds watching_since{0};
  std::vector<gossip_member> members; // as gossip had them at the last tick
  std::optional<cluster_map> map;
  std::map<peer_address, shard_actor> shards; // of other processes
  std::string shown;                          // what the last view was made of
  std::vector<std::string> refusals;          // of the last decision: told once
  std::vector<std::string> own_refusals;      // of what this node says of itself: the same
  log_limit lines;
  healing_actors healers;
  bool member_fine = true;                 // of this process
  bool reading = false, proposing = false; // the map; one after the other
};

using manager_pointer = ring_manager_actor::stateful_pointer<ring_manager_state>;

std::chrono::milliseconds now_of(manager_pointer self) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(self->clock().now().time_since_epoch());
}

void complain(manager_pointer self, const std::string& what) {
  if (self->state.lines.allow(self->clock().now())) spdlog::warn("ring manager: {}", what);
}

// ---- the picture -------------------------------------------------------------------------------------------------

std::optional<member_status> status_of(const ring_manager_state& s, const node_id& node) {
  for (auto& m : s.members)
    if (m.id == node) return m.status;
  return std::nullopt;
}

shard_actor shard_of(manager_pointer self, const cluster_node& node) {
  auto& s = self->state;
  if (node.id == s.options.self.id) return s.options.shard;
  auto& shard = s.shards[{node.id.name, node.address}];
  if (!shard) shard = spawn_remote_shard(self->system(), s.options.net, {node.id.name, node.address});
  return shard;
}

// Changes when a view would.
std::string signature(const ring_manager_state& s) {
  auto text = std::to_string(s.map->epoch());
  for (auto& node : holders_of(*s.map)) {
    auto status = status_of(s, node);
    text += ' ' + std::to_string(status ? static_cast<int>(*status) : -1);
  }
  return text;
}

void show_healers(manager_pointer self) {
  auto& s = self->state;
  if (!s.healers.mover || !s.map) return;
  auto view = std::make_shared<healing_view>(*s.map);
  const node_id* healing = nullptr; // nodes are sorted by id
  for (auto& n : s.map->nodes()) {
    if (status_of(s, n.id) == member_status::dead) view->dead.insert(n.id);
    if (status_of(s, n.id) != member_status::alive) continue;
    view->reachable.insert(n.id);
    bool takes_part = n.state == node_state::up || n.state == node_state::draining;
    if (healing == nullptr && n.roles.coordinator && takes_part) healing = &n.id;
  }
  view->active = healing != nullptr && *healing == s.options.self.id;
  new_healing_view shown{std::move(view)};
  self->send(s.healers.healer, view_atom::value, shown);
  self->send(s.healers.mover, view_atom::value, shown);
  self->send(s.healers.readers, view_atom::value, shown);
  self->send(s.healers.sweeper, view_atom::value, shown);
}

void show(manager_pointer self) {
  auto& s = self->state;
  auto now = signature(s);
  if (s.shown == now) return;
  s.shown = std::move(now);
  auto view = std::make_shared<cluster_view>();
  view->local = s.options.self.id;
  std::vector<ring_node> places;
  node_counts counts;
  for (auto& node : s.map->nodes()) {
    if (node.state != node_state::gone) s.options.addresses->set(node.id.name, node.address);
    if (node.state == node_state::gone) view->gone.push_back(node.id);
    if (!may_hold_data(node)) continue;
    auto status = status_of(s, node.id);
    ++counts.known;
    bool dead = status == member_status::dead;
    view->nodes.emplace_back(node.id, dead ? shard_actor{} : shard_of(self, node));
    if (status == member_status::suspect) view->suspects.push_back(node.id);
    if (!takes_data(node) || dead) continue;
    places.push_back({.id = node.id, .zone = node.zone, .weight = node.weight});
    counts.alive += status == member_status::alive;
  }
  view->places = ring{std::move(places)};
  view->map = std::make_shared<const cluster_map>(*s.map);
  if (s.options.nodes) s.options.nodes->set(counts);
  if (s.options.surveyor) self->send(s.options.surveyor, view_atom::value, new_view{view});
  if (s.options.replicator) self->send(s.options.replicator, view_atom::value, new_view{std::move(view)});
  show_healers(self);
}

void take_map(manager_pointer self, const cluster_map& map) {
  auto& s = self->state;
  if (s.options.events) tell_news(*s.options.events, s.map ? &*s.map : nullptr, map);
  s.map = map;
}

// ---- the map -----------------------------------------------------------------------------------------------------

// Another change meanwhile makes it fail, and the next tick decides anew.
void propose(manager_pointer self, const cluster_map& next, const std::optional<std::string>& before) {
  auto& o = self->state.options;
  self->state.proposing = true;
  self->request(o.metadata, o.request_timeout, commit_atom::value, replacing_map(next, before, o.clock->now()))
    .then([self](const wire<pb::batch_result>&) { self->state.proposing = false; }, // the next tick reads what there is
      [self](caf::error& e) {
        self->state.proposing = false;
        complain(self, "could not change the cluster map: " + from_caf(e).message);
      });
}

// Draining nodes that the mover found in no record; a node that is still a metadata member has to leave that first.
std::vector<node_id> emptied(
  manager_pointer self, const cluster_map& map, const row_values& rows, const pb::metadata_status& group) {
  std::vector<node_id> found;
  for (auto& n : map.nodes()) {
    if (n.state != node_state::draining) continue;
    auto row = rows.find(emptied_row(n.id));
    if (row == rows.end() || row->second != emptied_value(n)) continue;
    auto& members = group.members();
    if (std::any_of(members.begin(), members.end(), [&](auto& m) { return m.id() == raft_id_of(n.id); }))
      complain(self, "node " + n.id.name + " is drained but still a metadata member: `troupe admin members remove` it");
    else
      found.push_back(n.id);
  }
  return found;
}

membership_view seen(manager_pointer self) {
  auto& s = self->state;
  membership_view view;
  for (auto& m : s.members)
    view.nodes.push_back({.id = m.id, .address = m.address, .status = m.status, .since = m.since});
  for (auto& n : view.nodes)
    if (n.id == s.options.self.id)
      n.announced = node_announcement{.roles = s.options.self.roles,
        .zone = s.options.self.zone,
        .weight = s.options.self.weight,
        .raft_id = s.options.self.raft_id};
  view.watching_since = s.watching_since;
  view.now = now_of(self);
  view.now_ms = s.options.clock->now();
  view.listed = s.options.listed;
  return view;
}

void decide_as_leader(manager_pointer self, const cluster_map& map, const row_values& rows,
  const std::optional<std::string>& before, const pb::metadata_status& group) {
  auto& s = self->state;
  if (s.proposing) return;
  auto view = seen(self);
  view.emptied = emptied(self, map, rows, group);
  auto decision = decide(map, view, s.options.membership);
  for (auto& line : decision.refusals)
    if (std::find(s.refusals.begin(), s.refusals.end(), line) == s.refusals.end())
      spdlog::warn("cluster map: {}", line);
  s.refusals = decision.refusals;
  if (!decision.next) return;
  for (auto& line : decision.reasons) spdlog::info("cluster map, epoch {}: {}", decision.next->epoch(), line);
  propose(self, *decision.next, before);
}

void ask_to_join(manager_pointer self, const cluster_map& map, const std::string& before) {
  auto& o = self->state.options;
  if (self->state.proposing) return;
  request_terms terms;
  terms.now_ms = o.clock->now();
  auto next = join_node(map, o.self, terms);
  if (!next) return complain(self, "this node can not join: " + next.error().message);
  if (next->epoch() != map.epoch()) propose(self, *next, before);
}

// A configuration that says something else of this node than the map does, since its last start.
void announce(manager_pointer self, const cluster_map& map, const cluster_node& me, const std::string& before) {
  auto& s = self->state;
  if (s.proposing) return;
  auto& said = s.options.self;
  auto decision =
    announced(map, said.id, {.roles = said.roles, .zone = said.zone, .weight = said.weight, .raft_id = me.raft_id});
  for (auto& line : decision.refusals)
    if (std::find(s.own_refusals.begin(), s.own_refusals.end(), line) == s.own_refusals.end())
      spdlog::warn("cluster map: {}", line);
  s.own_refusals = std::move(decision.refusals);
  if (!decision.next) return;
  for (auto& line : decision.reasons)
    spdlog::info("cluster map, epoch {}: {}, as this node's configuration says", decision.next->epoch(), line);
  propose(self, *decision.next, before);
}

void tell_in_touch(const ring_manager_state& s, bool yes) {
  if (s.options.in_touch) *s.options.in_touch = yes;
}

// The map, the era of uploads, and what the mover noted of draining nodes.
wire<pb::read_request> map_request(const ring_manager_state& s) {
  pb::read_request request;
  request.add_keys(map_key());
  request.add_keys(upload_era::row_key());
  if (s.map)
    for (auto& n : s.map->nodes())
      if (n.state == node_state::draining) request.add_keys(emptied_row(n.id));
  return wire<pb::read_request>{std::move(request)};
}

void map_read(manager_pointer self, const row_values& rows) {
  auto& s = self->state;
  if (auto era = upload_era::parse(value_of(rows, upload_era::row_key())); !era)
    complain(self, era.error().message);
  else if (s.options.era)
    s.options.era->learn(era->number());
  auto row = row_in(rows);
  auto map = map_in(s.options.cluster, row);
  if (!map) return complain(self, map.error().message);
  if (row) {
    take_map(self, *map);
    show(self);
    auto* me = map->find(s.options.self.id);
    if (me == nullptr) return ask_to_join(self, *map, *row);
    bool takes_part = me->state == node_state::up || me->state == node_state::draining || !me->roles.storage;
    tell_in_touch(s, takes_part && s.member_fine);
    if (me->state == node_state::gone)
      complain(self, "this node was removed from the cluster; its name is never used again");
    announce(self, *map, *me, *row);
  }
  if (!s.options.member) return;
  self->request(s.options.member, s.options.request_timeout, status_atom::value)
    .then(
      [self, map = std::move(*map), rows, row](const wire<pb::metadata_status>& status) {
        self->state.member_fine = true;
        if (status->state() == "leader") decide_as_leader(self, map, rows, row, *status);
      },
      [self](caf::error& e) {
        self->state.member_fine = false;
        complain(self, "this node's metadata member: " + from_caf(e).message);
      });
}

// ---- an operator's requests ----------------------------------------------------------------------------------------

using map_reply = reply<wire<pb::cluster_map>>;
void change_map(manager_pointer self, const wire<pb::map_change>& change, const map_reply& answer, unsigned tries_left);

void changed(manager_pointer self, const cluster_map& map, const map_reply& answer) {
  auto& s = self->state;
  if (!s.map || s.map->epoch() < map.epoch()) { // at once: whoever asked looks next
    take_map(self, map);
    show(self);
  }
  answer(wire<pb::cluster_map>{map.message()});
}

void commit_change(manager_pointer self, const wire<pb::map_change>& change, const std::optional<std::string>& row,
  const known_members& members, const map_reply& answer, unsigned tries_left) {
  auto& o = self->state.options;
  if (!row) return answer(fail(ec::unavailable, "the cluster has no map yet: its nodes are still starting"));
  auto map = map_in(o.cluster, row);
  if (!map) return answer(map.error());
  request_terms terms;
  terms.now_ms = o.clock->now();
  terms.members = members;
  auto next = with_change(*map, *change, terms);
  if (!next) return answer(next.error());
  if (next->epoch() == map->epoch()) return changed(self, *map, answer);
  self->request(o.metadata, o.request_timeout, commit_atom::value, replacing_map(*next, row, o.clock->now()))
    .then(
      [=, next = std::move(*next)](const wire<pb::batch_result>& committed) {
        if (!committed->applied()) return change_map(self, change, answer, tries_left - 1);
        spdlog::info("cluster map, epoch {}: {} {}, as was asked for", next.epoch(),
          pb::map_change::kinds_Name(change->kind()), change->has_joining() ? change->joining().id() : change->node());
        changed(self, next, answer);
      },
      [answer](const caf::error& e) { answer(from_caf(e)); });
}

void change_map(
  manager_pointer self, const wire<pb::map_change>& change, const map_reply& answer, unsigned tries_left) {
  auto& o = self->state.options;
  if (tries_left == 0)
    return answer(fail(ec::conflict, "others changed the cluster map meanwhile, time and again: try again"));
  self->request(o.metadata, o.request_timeout, read_atom::value, map_request(self->state))
    .then(
      [=](const wire<pb::read_reply>& r) {
        auto row = row_in(rows_of(*r));
        if (change->kind() != pb::map_change::remove || change->force())
          return commit_change(self, change, row, std::nullopt, answer, tries_left);
        auto& st = self->state;
        ask_for_members(self, st.options.metadata, st.options.request_timeout,
          [=](const known_members& m) { commit_change(self, change, row, m, answer, tries_left); });
      },
      [answer](const caf::error& e) { answer(from_caf(e)); });
}

void tick(manager_pointer self) {
  auto& o = self->state.options;
  self->delayed_send(self, o.interval, tick_atom::value);
  self->request(o.gossiper, o.request_timeout, status_atom::value)
    .then(
      [self](const members_view& v) {
        self->state.members = *v.members;
        if (self->state.map) show(self);
      },
      [](const caf::error&) {});
  if (std::exchange(self->state.reading, true)) return;
  self->request(o.metadata, o.request_timeout, read_atom::value, map_request(self->state))
    .then(
      [self](const wire<pb::read_reply>& reply) {
        self->state.reading = false;
        map_read(self, rows_of(*reply));
      },
      [self](caf::error& e) {
        self->state.reading = false;
        tell_in_touch(self->state, false);
        complain(self, "could not read the cluster map: " + from_caf(e).message);
      });
}

} // namespace

ring_manager_actor spawn_ring_manager(caf::actor_system& system, ring_manager_options options) {
  return spawn_counted(
    system, [options = std::move(options)](manager_pointer self) mutable -> ring_manager_actor::behavior_type {
      self->state.options = std::move(options);
      self->state.watching_since = now_of(self);
      self->set_default_handler(caf::drop);
      self->send(self, tick_atom::value);
      return {
        [self](tick_atom) { tick(self); },
        [self](status_atom) -> caf::result<wire<pb::cluster_map>> {
          auto& s = self->state;
          if (!s.map) return to_caf(fail(ec::unavailable, "the cluster map has not been read yet"));
          return wire<pb::cluster_map>{s.map->message()};
        },
        [self](mover_atom, const healer_actor& heal, const mover_actor& move, const readers_actor& ask,
          const sweeper_actor& sweep) {
          self->state.healers = {heal, move, ask, sweep};
          show_healers(self);
        },
        [self](change_atom, const wire<pb::map_change>& change) {
          map_reply answer{self};
          change_map(self, change, answer, change_tries_max);
          return answer.later();
        },
      };
    });
}

} // namespace troupe
