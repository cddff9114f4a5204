// POST /v1/join {"node_id", "addr"}: takes a node into the cluster map, when it is not there, and its metadata member into the
// Raft group. Answered when that is committed. Repeating it does no harm. In `troupe dev` there is nothing to join.
#include "api/s3db/call.hpp"
#include "core/cluster_map.hpp"
#include "core/map_change.hpp"

#include <boost/json/parse.hpp>

namespace troupe::s3db {

namespace {

constexpr std::size_t body_bytes_max = std::size_t{4} << 10;
constexpr std::chrono::seconds look_timeout{10}, change_timeout{30};

struct joining {
  std::string node, address;
};

joining parse(const std::string& text) {
  json::parse_options shallow;
  shallow.max_depth = 4;
  json::error_code e;
  const auto value = json::parse(text, e, {}, shallow);
  const auto* body = e ? nullptr : value.if_object();
  const auto* node = body == nullptr ? nullptr : body->if_contains("node_id");
  const auto* address = body == nullptr ? nullptr : body->if_contains("addr");
  if (node == nullptr || address == nullptr || !node->is_string() || !address->is_string() ||
    node->get_string().empty() || address->get_string().empty())
    throw http::api_error{ec::bad_argument, R"(the body is {"node_id": NAME, "addr": HOST:PORT of its actor port})"};
  return {std::string{node->get_string()}, std::string{address->get_string()}};
}

http::task<cluster_map> map_of(call& c) {
  auto outcome =
    co_await http::ask<wire<pb::cluster_map>>(c.actors, c.context.ring_manager, look_timeout, status_atom::value);
  co_return must(cluster_map::make(*must(std::move(outcome))));
}

http::task<> enter_map(call& c, const joining& who) {
  pb::map_change change;
  change.set_kind(pb::map_change::join);
  auto& node = *change.mutable_joining();
  node.set_id(who.node);
  node.set_address(who.address);
  node.set_weight(1);
  node.set_metadata(true);
  auto outcome = co_await http::ask<wire<pb::cluster_map>>(
    c.actors, c.context.ring_manager, change_timeout, change_atom::value, wire<pb::map_change>{std::move(change)});
  must(std::move(outcome));
}

} // namespace

http::task<> on_join(call& c) {
  const auto who = parse(co_await whole_body(c, body_bytes_max));
  if (!c.context.ring_manager)
    throw http::api_error{ec::not_implemented, "`troupe dev` is one process: there is no cluster to join"};
  const auto map = co_await map_of(c);
  const auto* node = map.find(node_id{who.node});
  if (node == nullptr || node->address != who.address) {
    co_await enter_map(c, who);
  } else if (!node->roles.metadata) {
    throw http::api_error{ec::conflict, who.node + " does not have the metadata role"};
  }
  pb::member_change change;
  change.set_kind(pb::member_change::add);
  change.set_id(raft_id_of(node_id{who.node}));
  change.set_address(who.node); // members are named by their nodes; where a node is, the map says
  auto outcome = co_await http::ask<void>(
    c.actors, c.context.metadata, change_timeout, members_atom::value, wire<pb::member_change>{std::move(change)});
  if (!outcome && outcome.error().code == ec::timeout)
    throw http::api_error{ec::timeout,
      who.node + " has not caught up yet: is it running? It may still be taken in, and this may be repeated"};
  must(std::move(outcome));
  json::object out{{"status", "joined"}, {"node_id", who.node}};
  co_await answer(c, 200, std::move(out));
}

} // namespace troupe::s3db
