// POST /admin/nodes/{id}/..., POST /admin/join: changes of the cluster map. The RING MANAGER makes them; the answer is
// the node as the committed map has it, and the map's epoch. Repeating one does no harm.
#include "api/admin/call.hpp"
#include "api/admin/change_request.hpp"
#include "api/admin/survey_json.hpp"

namespace troupe::admin {

namespace {

http::task<> change_map(call& c, pb::map_change change) {
  if (!c.config.ring_manager) throw http::api_error{ec::not_implemented, "`troupe dev` has no cluster to change"};
  node_id node{change.has_joining() ? change.joining().id() : change.node()};
  auto outcome = co_await http::ask<wire<pb::cluster_map>>(
    c.actors, c.config.ring_manager, change_timeout, change_atom::value, wire<pb::map_change>{std::move(change)});
  if (!outcome && outcome.error().code == ec::timeout)
    throw http::api_error{
      ec::timeout, "whether the change was made is not known, it may be repeated: " + outcome.error().message};
  auto map = must(cluster_map::make(*must(std::move(outcome))));
  json::object out{{"epoch", map.epoch()}};
  if (const auto* line = map.find(node)) out["node"] = node_json(*line);
  co_await answer(c, std::move(out));
}

pb::map_change change_of(const call& c, pb::map_change::kinds kind) {
  pb::map_change change;
  change.set_kind(kind);
  change.set_node(c.parameters.at("id"));
  return change;
}

} // namespace

http::task<> on_drain(call& c) { co_await change_map(c, change_of(c, pb::map_change::drain)); }

http::task<> on_undrain(call& c) { co_await change_map(c, change_of(c, pb::map_change::undrain)); }

http::task<> on_remove(call& c) {
  auto change = change_of(c, pb::map_change::remove);
  if (const auto* force = c.rq.target().q("force")) change.set_force(must(parse_flag(*force)));
  co_await change_map(c, std::move(change));
}

http::task<> on_weight(call& c) {
  auto change = change_of(c, pb::map_change::weight);
  const auto* value = c.rq.target().q("value");
  change.set_weight_wanted(must(parse_weight(value == nullptr ? std::string_view{} : *value)));
  co_await change_map(c, std::move(change));
}

http::task<> on_join(call& c) { co_await change_map(c, must(join_request(c.body))); }

} // namespace troupe::admin
