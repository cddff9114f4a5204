// /v1/leader, /status, /health, and redirects: the metadata group as s3db's clients see it. Addresses are those of s3db
// itself, which a client can use; the group's own ports are nobody's business.
#include "api/s3db/call.hpp"
#include "codec/text.hpp"

namespace troupe::s3db {

namespace {

constexpr std::chrono::seconds status_timeout{5};

struct group {
  pb::metadata_status status; // of this process's member, or of the leader when it has none
  bool member = false;        // the former
  bool leads = false;
  std::string leader, leader_address; // empty: not known
};

http::task<group> look_at(call& c) {
  group g;
  g.member = static_cast<bool>(c.context.member);
  const auto& whom = g.member ? c.context.member : c.context.metadata;
  auto outcome = co_await http::ask<wire<pb::metadata_status>>(c.actors, whom, status_timeout, status_atom::value);
  g.status = *must(std::move(outcome));
  g.leads = g.member && g.status.state() == "leader";
  g.leader = g.leads ? c.context.node : g.status.leader();
  if (g.leader.empty()) co_return g;
  if (auto known = c.context.s3db_of(g.leader))
    g.leader_address = *known;
  else if (g.leads)
    g.leader_address = c.rq.host(); // it reached us there
  co_return g;
}

// As the documented clients read it.
std::string state_name(const group& g) {
  if (!g.member) return "Client";
  auto name = g.status.state();
  if (!name.empty() && name[0] >= 'a' && name[0] <= 'z') name[0] = static_cast<char>(name[0] - 'a' + 'A');
  return name;
}

} // namespace

http::task<bool> redirected(call& c) {
  const auto wanted = c.query("consistency");
  if (wanted.empty() || wanted == "any") co_return false;
  if (wanted != "leader") throw http::api_error{ec::bad_argument, "consistency= is any or leader"};
  const auto g = co_await look_at(c);
  if (g.leads) co_return false;
  if (g.leader.empty()) throw http::api_error{ec::unavailable, "no leader is known now: try again"};
  if (g.leader_address.empty())
    throw http::api_error{ec::unavailable,
      "node " + g.leader + " leads, and it is not known where its s3db listens: ask without consistency=leader"};
  c.rs.set("Location", (c.rq.tls() ? "https://" : "http://") + g.leader_address + std::string{c.rq.raw_target()});
  if (c.rq.content().left() != 0 || c.rq.content().chunked()) c.rs.close = true; // the body is not for us
  json::object out{{"error", "NotLeader"},
    {"message", "node " + g.leader + " leads: sign the request anew for its address"}, {"leader", g.leader_address}};
  co_await answer(c, 307, std::move(out));
  co_return true;
}

http::task<> on_leader(call& c) {
  const auto g = co_await look_at(c);
  if (g.leader.empty()) throw http::api_error{ec::unavailable, "no leader is known now: try again"};
  json::object out{{"leader_id", g.leader}, {"leader_addr", g.leader_address}, {"is_leader", g.leads}};
  co_await answer(c, 200, std::move(out));
}

http::task<> on_status(call& c) {
  const auto g = co_await look_at(c);
  json::object out{{"node_id", c.context.node}, {"state", state_name(g)}, {"leader", g.leader},
    {"leader_addr", g.leader_address}, {"term", std::to_string(g.status.term())},
    {"commit_index", std::to_string(g.status.commit_index())},
    {"applied_index", std::to_string(g.status.applied_index())}, {"is_leader", g.leads}};
  co_await answer(c, 200, std::move(out));
}

http::task<> on_health(call& c) {
  json::object out{{"status", "healthy"}, {"time", format_iso8601(c.context.clock->now())}};
  co_await answer(c, 200, std::move(out));
}

} // namespace troupe::s3db
