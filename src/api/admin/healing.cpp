// /admin/healing: how far those are who heal the cluster; POST /admin/rebalance and /admin/repair have them begin at once
// with what they do by themselves anyway. The order goes to every coordinator; the one that heals takes it.
#include "api/admin/call.hpp"
#include "core/cluster_map.hpp"

namespace troupe::admin {

namespace {

json::object healing_json(const node_id& node, const pb::heal_report& r, const std::optional<repair_count>& repairs) {
  const auto& m = r.mover();
  const auto& s = r.comparing();
  json::object out{{"node", node.name}, {"rebalancing", r.rebalancing()}};
  out["mover"] = json::object{{"goal", m.goal()}, {"extents_seen", m.extents_seen()},
    {"extents_before", r.walk_extents_before()}, {"extents_moved", m.extents_moved()}, {"bytes_moved", m.bytes_moved()},
    {"stuck", m.stuck()}, {"under_protected", m.under_protected()}, {"walks", m.walks()}};
  out["comparison"] =
    json::object{{"wanted", s.wanted()}, {"extents", s.extents()}, {"extents_before", s.extents_before()},
      {"incomplete", s.incomplete()}, {"repaired", s.repaired()}, {"walks", s.walks()}};
  if (repairs) out["repairs"] = json::object{{"waiting", repairs->rows}, {"more", repairs->more}};
  return out;
}

http::task<> order_and_answer(call& c, pb::heal_order order) {
  if (!c.config.ring_manager)
    throw http::api_error{ec::not_implemented, "`troupe dev` has no other processes: it heals itself, without orders"};
  auto all = co_await ask_everyone(c, heal_atom::value, wire<pb::heal_order>{std::move(order)});
  auto repairs = co_await count_repairs(c);
  std::string silent;
  for (const auto& [node, said] : all->healing) {
    if (said && said->active()) {
      co_await answer(c, healing_json(node, *said, repairs));
      co_return;
    }
    if (!said) silent += (silent.empty() ? " (" : "; ") + node.name + ": " + said.error().message;
  }
  throw http::api_error{ec::unavailable,
    "no coordinator heals the cluster now: try again in a few seconds" + silent + (silent.empty() ? "" : ")")};
}

} // namespace

http::task<> on_healing(call& c) { return order_and_answer(c, {}); }

http::task<> on_rebalance(call& c) {
  pb::heal_order order;
  order.set_kind(pb::heal_order::rebalance);
  return order_and_answer(c, std::move(order));
}

http::task<> on_repair(call& c) {
  pb::heal_order order;
  order.set_kind(pb::heal_order::repair);
  order.set_node(parameter(c, "node"));
  if (!order.node().empty() && c.config.ring_manager) {
    auto outcome =
      co_await http::ask<wire<pb::cluster_map>>(c.actors, c.config.ring_manager, look_timeout, status_atom::value);
    auto map = must(cluster_map::make(*must(std::move(outcome))));
    const auto* node = map.find(node_id{order.node()});
    if (node == nullptr) throw http::api_error{ec::not_found, "no node is named '" + order.node() + "'"};
    if (!may_hold_data(*node))
      throw http::api_error{
        ec::conflict, order.node() + " is " + std::string{to_string(node->state)} + " and holds no data"};
  }
  co_await order_and_answer(c, std::move(order));
}

} // namespace troupe::admin
