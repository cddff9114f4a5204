#include "api/admin/survey_json.hpp"

#include "api/admin/healing_json.hpp"
#include "codec/text.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <array>
#include <string>

namespace troupe::admin {

namespace json = boost::json;

namespace {

constexpr std::array states{
  node_state::joining, node_state::up, node_state::draining, node_state::down, node_state::gone};

std::string_view said_of(member_status s) {
  switch (s) {
  case member_status::alive: return "alive";
  case member_status::suspect: return "suspect";
  case member_status::dead: return "dead";
  }
  return "unknown";
}

std::string_view role_of(std::int32_t role) { // as libraft numbers them
  switch (role) {
  case 0: return "standby";
  case 1: return "voter";
  case 2: return "spare";
  default: return "unknown";
  }
}

json::object storage_json(const pb::shard_status& s) {
  json::object out{{"pieces", s.pieces()}, {"live_bytes", s.live_bytes()}, {"log_bytes", s.log_bytes()},
    {"damaged_records", s.damaged_records()}, {"writable", s.writable()}};
  if (!s.writable()) out["reason"] = s.reason();
  out["scrub"] = scrub_json(s);
  return out;
}

// Of those that answered; the others are named.
json::object storage_totals(const cluster_survey& all) {
  std::uint64_t pieces = 0, live = 0, log = 0, damaged = 0;
  json::array nodes, silent, read_only;
  for (const auto& n : all.nodes) {
    if (!n.asked) continue;
    if (!n.storage) {
      silent.push_back(json::object{{"id", n.id.name}, {"error", n.storage.error().message}});
      continue;
    }
    const auto& s = *n.storage;
    pieces += s.pieces();
    live += s.live_bytes();
    log += s.log_bytes();
    damaged += s.damaged_records();
    if (!s.writable()) read_only.emplace_back(n.id.name);
    nodes.push_back(json::object{
      {"id", n.id.name}, {"pieces", s.pieces()}, {"live_bytes", s.live_bytes()}, {"log_bytes", s.log_bytes()}});
  }
  return {{"pieces", pieces}, {"live_bytes", live}, {"log_bytes", log}, {"damaged_records", damaged},
    {"nodes", std::move(nodes)}, {"silent", std::move(silent)}, {"read_only", std::move(read_only)}};
}

bool votes(const pb::metadata_status& leader, std::uint64_t id) {
  return std::any_of(
    leader.members().begin(), leader.members().end(), [&](const auto& m) { return m.id() == id && m.role() == 1; });
}

json::object metadata_json(const cluster_survey& all) {
  json::object out;
  const auto* leader = leader_of(all);
  if (leader == nullptr) {
    out["healthy"] = false;
    out["reason"] = "no member says that it leads";
    return out;
  }
  std::uint64_t voters = 0, answering = 0;
  json::array silent;
  for (const auto& m : leader->members()) {
    if (m.role() != 1) continue;
    ++voters;
    bool there = std::any_of(all.members.begin(), all.members.end(),
      [&](const auto& s) { return s.status && s.status->id() == m.id() && !s.status->recovering(); });
    if (there)
      ++answering;
    else
      silent.emplace_back(m.address());
  }
  out["leader"] = leader->leader();
  out["term"] = leader->term();
  out["commit_index"] = leader->commit_index();
  out["voters"] = voters;
  out["answering"] = answering;
  out["silent"] = std::move(silent);
  out["healthy"] = answering == voters;
  // How many more of those that answer may be lost while a majority of all voters remains.
  out["losses"] = static_cast<std::int64_t>(answering) - static_cast<std::int64_t>(voters / 2 + 1);
  return out;
}

} // namespace

json::object node_json(const cluster_node& n) {
  json::array roles;
  if (n.roles.storage) roles.emplace_back("storage");
  if (n.roles.metadata) roles.emplace_back("metadata");
  if (n.roles.coordinator) roles.emplace_back("coordinator");
  return {{"id", n.id.name}, {"address", n.address}, {"zone", n.zone}, {"weight", n.weight},
    {"state", to_string(n.state)}, {"since", format_iso8601(n.since_ms)}, {"roles", std::move(roles)}};
}

json::object status_json(const cluster_survey& all, const std::optional<repair_count>& repairs,
  const std::optional<pb::healing_report>& healing) {
  json::object out;
  out["cluster"] = all.cluster;
  if (all.epoch) {
    out["epoch"] = *all.epoch;
    out["asked_by"] = all.asked_by.name;
  }
  json::object nodes;
  nodes["total"] = std::count_if(
    all.nodes.begin(), all.nodes.end(), [](const auto& n) { return !n.listed || n.listed->state != node_state::gone; });
  if (all.epoch)
    for (auto state : states)
      nodes[to_string(state)] = std::count_if(
        all.nodes.begin(), all.nodes.end(), [&](const auto& n) { return n.listed && n.listed->state == state; });
  out["nodes"] = std::move(nodes);
  if (std::any_of(all.nodes.begin(), all.nodes.end(), [](const auto& n) { return n.gossip.has_value(); })) {
    json::object gossip;
    for (auto status : {member_status::alive, member_status::suspect, member_status::dead})
      gossip[said_of(status)] =
        std::count_if(all.nodes.begin(), all.nodes.end(), [&](const auto& n) { return n.gossip == status; });
    out["gossip"] = std::move(gossip);
  }
  out["metadata"] = metadata_json(all);
  out["storage"] = storage_totals(all);
  if (repairs) out["repairs"] = json::object{{"waiting", repairs->rows}, {"more", repairs->more}};
  if (healing) out["healing"] = healing_json(*healing);
  out["scrub"] = scrub_json(all);
  return out;
}

json::object nodes_json(const cluster_survey& all, const std::optional<pb::healing_report>& healing) {
  json::array nodes;
  for (const auto& n : all.nodes) {
    auto line = n.listed ? node_json(*n.listed) : json::object{{"id", n.id.name}};
    if (n.gossip) line["gossip"] = said_of(*n.gossip);
    if (n.asked && n.storage) line["storage"] = storage_json(*n.storage);
    if (healing && n.asked && n.storage) {
      const auto& waiting = healing->comparing();
      line["compared"] = std::find(waiting.begin(), waiting.end(), n.id.name) == waiting.end();
    }
    if (n.asked && !n.storage) line["storage_error"] = n.storage.error().message;
    nodes.push_back(std::move(line));
  }
  json::object out;
  if (all.epoch) out["epoch"] = *all.epoch;
  out["nodes"] = std::move(nodes);
  return out;
}

json::object raft_json(const cluster_survey& all) {
  const auto* leader = leader_of(all);
  json::object out;
  if (leader != nullptr) {
    out["leader"] = leader->leader();
    out["term"] = leader->term();
  }
  json::array members;
  for (const auto& m : all.members) {
    json::object line{{"node", m.node.name}};
    if (!m.status) {
      line["error"] = m.status.error().message;
      members.push_back(std::move(line));
      continue;
    }
    const auto& s = *m.status;
    line["id"] = std::to_string(s.id());
    line["state"] = s.state();
    line["votes"] = leader != nullptr && votes(*leader, s.id());
    line["term"] = s.term();
    line["commit_index"] = s.commit_index();
    line["applied_index"] = s.applied_index();
    line["checkpoint_index"] = s.checkpoint_index();
    line["leader"] = s.leader();
    line["recovering"] = s.recovering();
    members.push_back(std::move(line));
  }
  out["members"] = std::move(members);
  if (leader != nullptr) { // the group, as its leader has it
    json::array group;
    for (const auto& m : leader->members())
      group.push_back(json::object{{"id", std::to_string(m.id())}, {"node", m.address()}, {"role", role_of(m.role())}});
    out["group"] = std::move(group);
  }
  return out;
}

} // namespace troupe::admin
