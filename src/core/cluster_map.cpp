#include "core/cluster_map.hpp"

#include <algorithm>
#include <charconv>
#include <set>

namespace troupe {
namespace {

constexpr std::size_t id_chars_max = 63;
constexpr std::size_t zone_chars_max = 63;
constexpr std::size_t address_chars_max = 255; // gossip's limit, too
constexpr std::size_t cluster_chars = 32;

bool lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

// Also the name of a directory and of a certificate.
bool is_id(std::string_view text) {
  auto fits = [](char c) { return lower_or_digit(c) || c == '.' || c == '_' || c == '-'; };
  return !text.empty() && text.size() <= id_chars_max && lower_or_digit(text.front()) &&
    std::all_of(text.begin(), text.end(), fits);
}

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

// Only what every log line and dialler relies on: names are resolved where they are used.
bool is_address(std::string_view text) {
  auto colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || text.size() > address_chars_max || !is_printable(text))
    return false;
  auto digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  auto [end, e] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  return e == std::errc{} && end == digits.data() + digits.size() && port != 0;
}

bool is_cluster(std::string_view text) {
  auto hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return text.size() == cluster_chars && std::all_of(text.begin(), text.end(), hex);
}

// What no node can tell by itself; nodes by id, each once, is the caller's to have seen to.
result<> check_together(const std::vector<cluster_node>& nodes) {
  if (nodes.size() > cluster_map::nodes_max)
    return fail(ec::bad_argument,
      std::to_string(nodes.size()) + " nodes, removed ones included; the limit is " +
        std::to_string(cluster_map::nodes_max));
  std::uint64_t weights = 0;
  std::set<std::uint64_t> raft_ids;
  for (const auto& n : nodes) {
    if (n.state == node_state::gone) continue;
    weights += n.weight;
    if (n.raft_id != 0 && !raft_ids.insert(n.raft_id).second)
      return fail(ec::bad_argument,
        n.id.name + " and another node both are metadata member " + std::to_string(n.raft_id) + " of the Raft group");
  }
  if (weights > cluster_map::weights_max)
    return fail(ec::bad_argument,
      "the nodes' weights come to " + std::to_string(weights) + "; the limit is " +
        std::to_string(cluster_map::weights_max));
  return {};
}

cluster_node node_of(const pb::cluster_node& n) {
  cluster_node out;
  out.id.name = n.id();
  out.address = n.address();
  out.zone = n.zone();
  out.weight = n.weight();
  out.state = static_cast<node_state>(n.state());
  out.since_ms = n.since_ms();
  out.roles = {.storage = n.storage(), .metadata = n.metadata(), .coordinator = n.coordinator()};
  out.raft_id = n.raft_id();
  if (n.has_announced_weight()) out.announced_weight = n.announced_weight();
  return out;
}

bool by_id(const cluster_node& a, const cluster_node& b) { return a.id < b.id; }

} // namespace

std::string_view to_string(node_state s) {
  switch (s) {
  case node_state::joining: return "joining";
  case node_state::up: return "up";
  case node_state::draining: return "draining";
  case node_state::down: return "down";
  case node_state::gone: return "gone";
  }
  return "unknown";
}

bool takes_data(const cluster_node& n) { return n.state == node_state::up && n.roles.storage && n.weight > 0; }

bool may_hold_data(const cluster_node& n) {
  return n.roles.storage &&
    (n.state == node_state::up || n.state == node_state::draining || n.state == node_state::down);
}

result<> check(const cluster_node& n) {
  if (!is_id(n.id.name))
    return fail(ec::bad_argument,
      "a node's name has 1 to 63 characters of a-z, 0-9, '.', '_' and '-', and begins with a letter or a digit");
  auto wrong = [&](const std::string& what) { return fail(ec::bad_argument, n.id.name + ": " + what); };
  if (!is_address(n.address)) return wrong("its address is not HOST:PORT, such as storage-1:9101");
  if (n.zone.size() > zone_chars_max || !is_printable(n.zone))
    return wrong("a zone has at most 63 printable characters");
  for (auto weight : {n.weight, n.announced_weight.value_or(0)})
    if (weight > cluster_map::weight_max)
      return wrong("weight " + std::to_string(weight) + "; the limit is " + std::to_string(cluster_map::weight_max));
  if (n.raft_id != 0 && !n.roles.metadata) return wrong("a Raft id without the metadata role");
  return {};
}

result<cluster_map> cluster_map::empty(std::string cluster) {
  if (!is_cluster(cluster)) return fail(ec::bad_argument, "a cluster's id has 32 lower-case hex digits");
  return cluster_map{0, std::move(cluster), {}};
}

result<cluster_map> cluster_map::make(const pb::cluster_map& m) {
  auto wrong = [&](const std::string& what) {
    return fail(ec::corrupt, "cluster map of epoch " + std::to_string(m.epoch()) + ": " + what);
  };
  if (!is_cluster(m.cluster())) return wrong("its cluster id is not 32 hex digits");
  if (static_cast<std::size_t>(m.nodes_size()) > nodes_max) return wrong(std::to_string(m.nodes_size()) + " nodes");
  std::vector<cluster_node> nodes;
  nodes.reserve(static_cast<std::size_t>(m.nodes_size()));
  for (const auto& n : m.nodes()) {
    if (n.state() == pb::cluster_node::unknown) return wrong("a node without a state");
    if (!pb::cluster_node::states_IsValid(n.state()))
      return fail(ec::incompatible,
        "cluster map of epoch " + std::to_string(m.epoch()) + ": a node in state " + std::to_string(n.state()) +
          ", which this version does not know");
    nodes.push_back(node_of(n));
    if (auto fine = check(nodes.back()); !fine) return wrong(fine.error().message);
    if (nodes.size() > 1 && !by_id(nodes[nodes.size() - 2], nodes.back()))
      return wrong("its nodes are not sorted by id");
  }
  if (auto fine = check_together(nodes); !fine) return wrong(fine.error().message);
  return cluster_map{m.epoch(), m.cluster(), std::move(nodes)};
}

pb::cluster_map cluster_map::message() const {
  pb::cluster_map m;
  m.set_epoch(epoch_);
  m.set_cluster(cluster_);
  for (const auto& n : nodes_) {
    auto& out = *m.add_nodes();
    out.set_id(n.id.name);
    out.set_address(n.address);
    out.set_zone(n.zone);
    out.set_weight(n.weight);
    out.set_state(static_cast<pb::cluster_node::states>(n.state));
    out.set_since_ms(n.since_ms);
    out.set_storage(n.roles.storage);
    out.set_metadata(n.roles.metadata);
    out.set_coordinator(n.roles.coordinator);
    out.set_raft_id(n.raft_id);
    if (n.announced_weight) out.set_announced_weight(*n.announced_weight);
  }
  return m;
}

result<cluster_map> cluster_map::next(const std::vector<cluster_node>& changed) const {
  auto nodes = nodes_;
  for (const auto& n : changed) {
    TROUPE_TRY(check(n));
    auto at = std::lower_bound(nodes.begin(), nodes.end(), n, by_id);
    if (at != nodes.end() && at->id == n.id) {
      *at = n;
    } else {
      nodes.insert(at, n);
    }
  }
  TROUPE_TRY(check_together(nodes));
  return cluster_map{epoch_ + 1, cluster_, std::move(nodes)};
}

const cluster_node* cluster_map::find(const node_id& id) const {
  auto before = [](const cluster_node& n, const node_id& name) { return n.id < name; };
  auto at = std::lower_bound(nodes_.begin(), nodes_.end(), id, before);
  return at != nodes_.end() && at->id == id ? &*at : nullptr;
}

bool cluster_map::serves(const node_id& id) const {
  auto* n = find(id);
  return n != nullptr && n->state != node_state::down && n->state != node_state::gone;
}

ring places_of(const cluster_map& map) {
  std::vector<ring_node> places;
  for (const auto& n : map.nodes())
    if (n.state == node_state::up && n.roles.storage) places.push_back({n.id, n.zone, n.weight});
  return ring{std::move(places)};
}

std::vector<node_id> holders_of(const cluster_map& map) {
  std::vector<node_id> out;
  for (const auto& n : map.nodes())
    if (may_hold_data(n)) out.push_back(n.id);
  return out;
}

} // namespace troupe
