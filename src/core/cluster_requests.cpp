#include "core/cluster_requests.hpp"

#include "core/map_change.hpp"

#include <algorithm>

namespace troupe {
namespace {

error never_again(const node_id& id) {
  return fail(ec::conflict, id.name + " was removed: its name is never used again");
}

result<const cluster_node*> find(const cluster_map& map, const node_id& id) {
  auto* n = map.find(id);
  if (n == nullptr) return fail(ec::not_found, "no node is named '" + id.name + "'");
  if (n->state == node_state::gone) return never_again(id);
  return n;
}

std::size_t places_without(const cluster_map& map, const node_id& id) {
  auto counts = [&](const cluster_node& n) { return n.id != id && takes_data(n); };
  return static_cast<std::size_t>(std::count_if(map.nodes().begin(), map.nodes().end(), counts));
}

result<> enough_without(const cluster_map& map, const node_id& id, std::size_t needed, const char* what) {
  auto left = places_without(map, id);
  if (left >= needed) return {};
  return fail(ec::precondition_failed,
    std::string{what} + " " + id.name + " would leave " + std::to_string(left) + " nodes that take data; " +
      std::to_string(needed) + " are needed: add a node first");
}

bool is_member(const cluster_node& n, const request_terms& terms) {
  return terms.members ? terms.members->contains(raft_id_of(n.id)) : n.raft_id != 0;
}

result<cluster_map> enter(const cluster_map& map, cluster_node n, node_state state, unix_ms now_ms) {
  n.state = state;
  n.since_ms = now_ms;
  return map.next({n});
}

} // namespace

result<cluster_map> drain_node(const cluster_map& map, const node_id& id, const request_terms& terms) {
  auto n = find(map, id);
  if (!n) return n.error();
  switch ((*n)->state) {
  case node_state::draining: return map;
  case node_state::up:
  case node_state::down: break;
  default:
    return fail(ec::conflict,
      id.name + " is " + std::string{to_string((*n)->state)} + ": it holds nothing to drain, and can be removed");
  }
  if ((*n)->roles.storage) TROUPE_TRY(enough_without(map, id, terms.places_needed, "draining"));
  return enter(map, **n, node_state::draining, terms.now_ms);
}

result<cluster_map> undrain_node(const cluster_map& map, const node_id& id, const request_terms& terms) {
  auto n = find(map, id);
  if (!n) return n.error();
  if ((*n)->state == node_state::up) return map;
  if ((*n)->state != node_state::draining)
    return fail(ec::conflict, id.name + " is " + std::string{to_string((*n)->state)} + ", not draining");
  return enter(map, **n, node_state::up, terms.now_ms);
}

result<cluster_map> remove_node(const cluster_map& map, const node_id& id, removal how, const request_terms& terms) {
  auto* known = map.find(id);
  if (known != nullptr && known->state == node_state::gone) return map;
  auto n = find(map, id);
  if (!n) return n.error();
  if (may_hold_data(**n)) {
    if (how == removal::safe)
      return fail(ec::conflict,
        id.name + " is " + std::string{to_string((*n)->state)} +
          " and may hold data: drain it, or remove it by force, if it is lost");
    TROUPE_TRY(enough_without(map, id, 1, "removing"));
  }
  if (how == removal::safe && is_member(**n, terms))
    return fail(ec::conflict,
      id.name +
        (terms.members ? " is a metadata member" : " may be a metadata member, and the group can not be asked") +
        ": take it out of the Raft group first");
  return enter(map, **n, node_state::gone, terms.now_ms);
}

result<cluster_map> set_weight(
  const cluster_map& map, const node_id& id, std::uint32_t weight, const request_terms& terms) {
  auto n = find(map, id);
  if (!n) return n.error();
  if ((*n)->weight == weight) return map;
  if (weight == 0 && takes_data(**n)) TROUPE_TRY(enough_without(map, id, terms.places_needed, "weight 0 for"));
  auto changed = **n;
  if (!changed.announced_weight) changed.announced_weight = changed.weight; // what the node says itself is not new
  changed.weight = weight;
  return map.next({changed});
}

result<cluster_map> join_node(const cluster_map& map, cluster_node n, const request_terms& terms) {
  if (auto* known = map.find(n.id)) {
    if (known->state == node_state::gone) return never_again(n.id);
    bool same =
      known->address == n.address && known->zone == n.zone && known->roles == n.roles && known->weight == n.weight;
    if (same) return map;
    return fail(ec::conflict,
      n.id.name + " is a node already, " + std::string{to_string(known->state)} + " at " + known->address);
  }
  if (n.roles == node_roles{}) return fail(ec::bad_argument, n.id.name + ": a node needs at least one role");
  return enter(map, std::move(n), node_state::joining, terms.now_ms);
}

} // namespace troupe
