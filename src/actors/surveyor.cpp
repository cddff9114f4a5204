#include "actors/surveyor.hpp"

#include "actors/census.hpp"
#include "actors/remote_metadata.hpp"
#include "actors/reply.hpp"
#include "actors/surveyor_state.hpp"
#include "core/extent_codec.hpp"

#include <caf/actor_system.hpp>
#include <caf/result.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <algorithm>
#include <utility>

namespace troupe {
namespace {

constexpr std::size_t extents_max = 256;      // of one request
constexpr std::size_t pieces_max = 1'000'000; // that one node may name: an extent has no more

// ---- the cluster ---------------------------------------------------------------------------------------------------

std::vector<node_survey> nodes_of(const cluster_view& view) {
  std::vector<node_survey> nodes;
  if (!view.map) {
    for (auto& n : view.nodes) nodes.push_back({.id = n.id, .listed = {}, .gossip = {}});
  } else {
    for (auto& n : view.map->nodes()) nodes.push_back({.id = n.id, .listed = n, .gossip = {}});
  }
  return nodes;
}

metadata_actor member_of(surveyor_pointer self, const cluster_node& node) {
  auto& s = self->state;
  for (auto& [id, actor] : s.options.members)
    if (id == node.id) return actor;
  if (!s.options.net) return {};
  auto& member = s.spawned[{node.id.name, node.address}];
  if (!member)
    member = spawn_remote_metadata(self->system(), s.options.net, {node.id.name, node.address}, s.options.timeout);
  return member;
}

std::vector<std::pair<node_id, metadata_actor>> members_of(surveyor_pointer self) {
  auto& s = self->state;
  auto members = s.options.members;
  if (!s.view->map) return members;
  auto known = [&](const node_id& id) {
    return std::any_of(members.begin(), members.end(), [&](auto& m) { return m.first == id; });
  };
  for (auto& n : s.view->map->nodes()) {
    if (n.state == node_state::gone || !n.roles.metadata || known(n.id)) continue;
    members.emplace_back(n.id, member_of(self, n));
  }
  std::sort(members.begin(), members.end(), [](auto& a, auto& b) { return a.first < b.first; });
  return members;
}

caf::result<survey_result> survey_cluster(surveyor_pointer self) {
  auto& s = self->state;
  reply<survey_result> answer{self};
  cluster_survey blank;
  blank.cluster = s.options.cluster;
  blank.asked_by = s.view->local;
  if (s.view->map) blank.epoch = s.view->map->epoch();
  blank.nodes = nodes_of(*s.view);
  auto members = members_of(self);
  for (auto& [id, actor] : members) blank.members.push_back({.node = id});
  auto finished = [answer](cluster_survey all) {
    answer(survey_result{std::make_shared<const cluster_survey>(std::move(all))});
  };
  auto all = std::make_shared<round<cluster_survey, decltype(finished)>>(std::move(blank), finished);
  auto timeout = s.options.timeout;

  for (std::size_t i = 0; i < all->value.nodes.size(); ++i) {
    auto& node = all->value.nodes[i];
    bool stores = std::any_of(s.view->nodes.begin(), s.view->nodes.end(), [&](auto& n) { return n.id == node.id; });
    if (!stores) continue;
    node.asked = true;
    auto* shard = s.view->find(node.id);
    if (shard == nullptr) {
      node.storage = fail(ec::unavailable, "it can not be reached");
      continue;
    }
    ++all->waiting;
    self->request(*shard, timeout, status_atom::value)
      .then(
        [all, i](const wire<pb::shard_status>& status) {
          all->value.nodes[i].storage = *status;
          all->one_done();
        },
        [all, i](const caf::error& e) {
          all->value.nodes[i].storage = from_caf(e);
          all->one_done();
        });
  }
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (!members[i].second) continue;
    ++all->waiting;
    self->request(members[i].second, timeout, status_atom::value)
      .then(
        [all, i](const wire<pb::metadata_status>& status) {
          all->value.members[i].status = *status;
          all->one_done();
        },
        [all, i](const caf::error& e) {
          all->value.members[i].status = from_caf(e);
          all->one_done();
        });
  }
  if (s.options.gossiper) {
    ++all->waiting;
    self->request(s.options.gossiper, timeout, status_atom::value)
      .then(
        [all](const members_view& v) {
          for (auto& n : all->value.nodes)
            for (auto& m : *v.members)
              if (m.id == n.id) n.gossip = m.status;
          all->one_done();
        },
        [all](const caf::error&) { all->one_done(); });
  }
  all->one_done();
  return answer.later();
}

// ---- extents -------------------------------------------------------------------------------------------------------

result<std::vector<extent_survey::piece>> pieces_in(const pb::repair_record& found) {
  if (static_cast<std::size_t>(found.missing_size()) > pieces_max)
    return fail(ec::too_large, "it names " + std::to_string(found.missing_size()) + " missing pieces");
  std::vector<extent_survey::piece> pieces;
  for (auto& m : found.missing()) pieces.emplace_back(m.stripe(), m.piece());
  return pieces;
}

caf::result<extent_surveys> survey_extents(surveyor_pointer self, const std::vector<pb::extent>& extents) {
  auto& s = self->state;
  if (extents.size() > extents_max)
    return to_caf(fail(ec::too_large,
      std::to_string(extents.size()) + " extents to survey; the limit is " + std::to_string(extents_max)));
  reply<extent_surveys> answer{self};
  auto finished = [answer](std::vector<extent_survey> found) {
    answer(extent_surveys{std::make_shared<const std::vector<extent_survey>>(std::move(found))});
  };
  using surveys = std::vector<extent_survey>;
  auto all = std::make_shared<round<surveys, decltype(finished)>>(surveys(extents.size()), finished);
  for (std::size_t i = 0; i < extents.size(); ++i) {
    auto map = map_of(extents[i]);
    if (!map) {
      answer(map.error());
      return answer.later();
    }
    wire<pb::extent> extent{extents[i]};
    for (auto& node : map->all_nodes()) {
      auto& lacking = all->value[i].lacking;
      auto* shard = s.view->find(node);
      if (shard == nullptr) {
        lacking.emplace(node, fail(ec::unavailable, "it can not be reached"));
        continue;
      }
      ++all->waiting;
      self->request(*shard, s.options.timeout, compare_atom::value, extent)
        .then(
          [all, i, node](const wire<pb::repair_record>& found) {
            all->value[i].lacking.insert_or_assign(node, pieces_in(*found));
            all->one_done();
          },
          [all, i, node](const caf::error& e) {
            all->value[i].lacking.insert_or_assign(node, from_caf(e));
            all->one_done();
          });
    }
  }
  all->one_done();
  return answer.later();
}

answered_surveyor::behavior_type surveyor(surveyor_pointer self, surveyor_options options) {
  auto& s = self->state;
  s.view = std::make_shared<const cluster_view>(std::move(options.view));
  s.options = std::move(options);
  s.peers = peer_requests{s.options.net};
  self->set_default_handler(caf::drop);
  if (s.options.events) self->send(self, tick_atom::value);
  return {
    [self](view_atom, const new_view& v) { self->state.view = v.view; },
    [self](status_atom) { return survey_cluster(self); },
    [self](compare_atom, const extents_to_survey& e) { return survey_extents(self, e.extents); },
    [self](mover_atom, const healer_actor& healer, const mover_actor& mover) {
      self->state.healer = healer;
      self->state.mover = mover;
    },
    [self](everyone_atom, status_atom) { return ask_everyones_status(self); },
    [self](everyone_atom, fault_atom, const wire<pb::fault_order>& order, const std::string& node) {
      return order_faults(self, order, node);
    },
    [self](heal_atom, const wire<pb::heal_order>& order) { return order_healing(self, order); },
    [self](
      everyone_atom, heal_atom, const wire<pb::heal_order>& order) { return order_healing_everywhere(self, order); },
    [self](tick_atom) { look_around(self); },
    [self](answer_atom, const peer_answer& a) { self->state.peers.arrived(a); },
  };
}

} // namespace

surveyor_actor spawn_surveyor(caf::actor_system& system, surveyor_options options) {
  return caf::actor_cast<surveyor_actor>(spawn_counted(system, surveyor, std::move(options)));
}

} // namespace troupe
