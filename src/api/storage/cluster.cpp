// GET /storage/cluster/status: who is there. A node is asked now: last_seen is when it answered, null when it did not.
#include "actors/survey.hpp"
#include "api/http/ask.hpp"
#include "api/storage/call.hpp"
#include "codec/text.hpp"

#include <boost/json/array.hpp>

namespace troupe::storage {

namespace {

constexpr std::chrono::seconds look_timeout{10};

std::string_view status_of(const node_survey& n) {
  if (!n.gossip) return n.storage ? "alive" : "unknown"; // `troupe dev` has no gossip
  switch (*n.gossip) {
  case member_status::alive: return "alive";
  case member_status::suspect: return "suspect";
  case member_status::dead: return "dead";
  }
  return "unknown";
}

json::object node_json(const node_survey& n, unix_ms now) {
  json::object out{{"id", n.id.name}};
  // Parentheses: braces would make lists of one.
  out["address"] = n.listed ? json::value(n.listed->address) : json::value{};
  out["data_dir"] = nullptr; // its own business: no node tells another
  out["status"] = status_of(n);
  out["last_seen"] = n.storage ? json::value(format_iso8601(now)) : json::value{};
  return out;
}

} // namespace

http::task<> on_cluster_status(call& c) {
  auto& actors = c.config.context.actors_of(c.rq);
  auto found = co_await http::ask<survey_result>(actors, c.config.surveyor, look_timeout, status_atom::value);
  const auto survey = must(std::move(found)).survey;
  json::array nodes;
  for (const auto& n : survey->nodes)
    if (!n.listed || n.listed->state != node_state::gone) nodes.push_back(node_json(n, c.config.context.clock->now()));
  json::object out{{"nodes", std::move(nodes)}};
  co_await answer_data(c, 200, std::move(out));
}

} // namespace troupe::storage
