// POST /admin/metadata/members: who is in the Raft group of the metadata, and who leads it. Answered when the change is
// committed: an added member has caught up then, and votes.
#include "api/admin/call.hpp"
#include "api/admin/change_request.hpp"
#include "api/admin/survey_json.hpp"
#include "api/http/tokens.hpp"
#include "api/http/worker.hpp"
#include "core/map_change.hpp"

#include <boost/asio/basic_waitable_timer.hpp>

namespace troupe::admin {

namespace {

constexpr unsigned tries_max = 5; // while the leader is being found
constexpr std::chrono::milliseconds pause{300};

http::task<> wait(call& c) {
  using timer = http::asio::basic_waitable_timer<http::steady, http::asio::wait_traits<http::steady>, http::executor>;
  timer t{c.rq.io().context(), pause};
  co_await t.async_wait(http::tuple_task);
}

// The group's members are named by the nodes' ids, and addressed by them: where a node is, the address book knows.
http::task<pb::member_change> change_of(call& c, const members_request& r) {
  pb::member_change change;
  change.set_kind(r.kind);
  if (r.node.empty()) co_return change;
  auto outcome =
    co_await http::ask<wire<pb::cluster_map>>(c.actors, c.config.ring_manager, look_timeout, status_atom::value);
  auto map = must(cluster_map::make(*must(std::move(outcome))));
  const auto* node = map.find(node_id{r.node});
  if (node == nullptr) throw http::api_error{ec::not_found, "no node is named '" + r.node + "'"};
  if (!node->roles.metadata) throw http::api_error{ec::conflict, r.node + " does not have the metadata role"};
  if (r.kind == pb::member_change::add && (node->state == node_state::gone || node->state == node_state::down))
    throw http::api_error{ec::conflict, r.node + " is " + std::string{to_string(node->state)}};
  change.set_id(raft_id_of(node->id)); // not the map's: a node that was only listed has none there
  if (r.kind == pb::member_change::add) change.set_address(r.node);
  co_return change;
}

// A transfer to whom leads is done already. Every member is asked: the router may not know of a new leader yet.
http::task<bool> leads(call& c, std::uint64_t id) {
  auto all = co_await survey(c);
  const auto* leader = leader_of(*all);
  co_return leader != nullptr && leader->id() == id;
}

http::task<> change_group(call& c, wire<pb::member_change> change) {
  for (unsigned tries = 1;; ++tries) {
    auto outcome = co_await http::ask<void>(c.actors, c.config.metadata, change_timeout, members_atom::value, change);
    if (outcome) co_return;
    auto why = outcome.error();
    bool no_leader = why.code == ec::not_leader || why.code == ec::unavailable;
    if (!no_leader || tries == tries_max) {
      if (why.code == ec::timeout) why.message = "it is not done yet, and may still be: " + why.message;
      throw http::api_error{std::move(why)};
    }
    co_await wait(c);
  }
}

} // namespace

http::task<> on_change_members(call& c) {
  auto request = must(parse_members_request(c.body));
  if (!c.config.ring_manager) throw http::api_error{ec::not_implemented, "`troupe dev` has no cluster to change"};
  auto change = co_await change_of(c, request);
  bool done = false;
  if (request.kind == pb::member_change::transfer && change.id() != 0) done = co_await leads(c, change.id());
  if (!done) co_await change_group(c, wire<pb::member_change>{std::move(change)});
  json::object out{{"kind", pb::member_change::kinds_Name(request.kind)}};
  if (!request.node.empty()) out["node"] = request.node;
  co_await answer(c, std::move(out));
}

} // namespace troupe::admin
