// complete(): what the keys of a configuration say together. Each check fills in the defaults that depend on other keys.
#include "core/quorum.hpp"
#include "core/ring.hpp"
#include "roles/cluster_config_draft.hpp"
#include "roles/jwks_source.hpp"

#include <algorithm>
#include <utility>

namespace troupe::config {
namespace {

constexpr std::size_t metadata_members_max = 5; // more only makes every commit wait for more

static_assert(redundancy_config{}.virtual_nodes == ring::positions_per_weight);
static_assert(redundancy_config{}.write_quorum == write_quorum(1, redundancy_config{}.replica_count - 1));

std::string key_of(std::size_t node, const char* name) { return "nodes[" + std::to_string(node) + "]." + name; }

std::string milliseconds(std::chrono::milliseconds t) { return std::to_string(t.count()) + "ms"; }

// The first two nodes whose `same` is true, as indices.
template <class Same>
std::optional<std::pair<std::size_t, std::size_t>> any_two(const std::vector<node_config>& nodes, Same&& same) {
  for (std::size_t b = 1; b < nodes.size(); ++b)
    for (std::size_t a = 0; a < b; ++a)
      if (same(nodes[a], nodes[b])) return std::pair{a, b};
  return std::nullopt;
}

// Whether two sockets of one machine cannot both listen.
bool collide(const host_port& a, const host_port& b) {
  auto wild = [](const host_port& x) { return x.host == "0.0.0.0" || x.host == "::"; };
  return a.port != 0 && a.port == b.port && (a.host == b.host || wild(a) || wild(b));
}

result<> check_identities(draft& d) {
  auto refuse = [&](std::pair<std::size_t, std::size_t> two, const char* name, const std::string& value) {
    const auto& first = d.places.at(key_of(two.first, name));
    return d.at(key_of(two.second, name),
      "storage." + key_of(two.second, name) + " is '" + value + "', as at " + first +
        "; expected one of its own for every node");
  };
  if (auto two = any_two(d.nodes, [](const auto& a, const auto& b) { return a.id == b.id; }))
    return refuse(*two, "id", d.nodes[two->second].id.name);
  if (auto two = any_two(d.nodes, [](const auto& a, const auto& b) { return a.address == b.address; }))
    return refuse(*two, "address", to_string(d.nodes[two->second].address));
  for (auto& n : d.nodes)
    if (n.listen.host.empty()) n.listen = n.address;
  if (auto two = any_two(d.nodes,
        [](const auto& a, const auto& b) { return a.address.host == b.address.host && collide(a.listen, b.listen); }))
    if (d.given(key_of(two->first, "listen")) || d.given(key_of(two->second, "listen")))
      return d.at(key_of(two->second, d.given(key_of(two->second, "listen")) ? "listen" : "address"),
        "nodes " + d.nodes[two->first].id.name + " and " + d.nodes[two->second].id.name +
          " are on one machine, and both bind their actor port to " + to_string(d.nodes[two->second].listen) +
          "; expected another `listen` for one of them");
  auto one_process = d.mode == cluster_mode::local;
  auto two = any_two(d.nodes, [&](const auto& a, const auto& b) {
    return a.data_dir == b.data_dir && (one_process || a.address.host == b.address.host);
  });
  if (two)
    return d.at(key_of(two->second, "data_dir"),
      "storage." + key_of(two->second, "data_dir") + " is '" + d.nodes[two->second].data_dir + "', as at " +
        d.places.at(key_of(two->first, "data_dir")) +
        ", on the same machine; expected one of its own, such as /data/{node}");
  return {};
}

error refuse_collision(
  const draft& d, std::pair<std::size_t, std::size_t> two, const std::string& name, const host_port& where) {
  auto key = key_of(two.second, name.c_str());
  return d.at(d.given(key) ? key : key_of(two.second, "address"),
    "nodes " + d.nodes[two.first].id.name + " and " + d.nodes[two.second].id.name +
      " are on one machine, and both listen for " + name + " on " + to_string(where) + "; expected another `" + name +
      "` for one of them");
}

result<> check_front_doors(draft& d) {
  if (d.coordinator && !d.given("s3.address")) {
    d.s3 = *d.coordinator;
    d.places["s3.address"] = d.places.at("coordinator.address");
  }
  for (std::size_t i = 0; i < d.nodes.size(); ++i) {
    auto& n = d.nodes[i];
    if (n.s3.host.empty()) n.s3 = d.s3;
    if (n.console.host.empty()) n.console = d.console;
    for (const auto& kind : front_kinds)
      if (!d.given(key_of(i, kind.name))) n.fronts.*kind.where = d.fronts.*kind.where;
  }
  if (d.mode == cluster_mode::local) return {}; // one process listens once, on s3.address and console.address
  for (const auto& kind : front_kinds) {
    auto two = any_two(d.nodes, [&](const auto& a, const auto& b) {
      const auto &x = a.fronts.*kind.where, &y = b.fronts.*kind.where;
      return a.coordinator && b.coordinator && x && y && a.address.host == b.address.host && collide(*x, *y);
    });
    if (two) return refuse_collision(d, *two, kind.name, *(d.nodes[two->second].fronts.*kind.where));
  }
  for (const auto& [name, member] : {std::pair{"s3", &node_config::s3}, std::pair{"console", &node_config::console}}) {
    auto two = any_two(d.nodes, [member = member](const auto& a, const auto& b) {
      auto both_listen = member == &node_config::console || (a.coordinator && b.coordinator);
      return both_listen && a.address.host == b.address.host && collide(a.*member, b.*member);
    });
    if (two) return refuse_collision(d, *two, name, d.nodes[two->second].*member);
  }
  return {};
}

result<> check_volumes(const draft& d) {
  for (const auto& v : d.shards.volumes)
    for (const auto& n : v.nodes)
      if (d.find(n) == nullptr)
        return d.at(
          "shards.volumes", "volume " + v.volume.id + " names the node " + n.name + ", which is not in nodes");
  return {};
}

result<> check_roles(const draft& d) {
  for (const auto& [name, member] : {std::pair{"coordinator", &node_config::coordinator},
         std::pair{"storage", &node_config::storage}, std::pair{"metadata", &node_config::metadata}})
    if (std::ranges::none_of(d.nodes, member))
      return d.at("nodes", std::string{"no node has the role "} + name + "; expected one at least");
  return {};
}

result<> check_quorum(draft& d) {
  auto wanted = write_quorum(1, d.cluster.replica_count - 1);
  if (!d.given("cluster.write_quorum")) d.cluster.write_quorum = wanted;
  if (d.cluster.write_quorum != wanted)
    return d.at("cluster.write_quorum",
      "storage.cluster.write_quorum is '" + std::to_string(d.cluster.write_quorum) + "'; expected " +
        std::to_string(wanted) + ", the one value that is supported with a replica_count of " +
        std::to_string(d.cluster.replica_count));
  if (d.cluster.erasure_data + d.cluster.erasure_parity > 20)
    return d.at(d.given("cluster.erasure.data") ? "cluster.erasure.data" : "cluster.erasure.parity",
      "storage.cluster.erasure has " + std::to_string(d.cluster.erasure_data) + " data and " +
        std::to_string(d.cluster.erasure_parity) + " parity pieces; expected at most 20 together");
  return {};
}

// `later` must be at least `times` the earlier one; the complaint is about a key that was given.
result<> check_order(const draft& d, const std::string& earlier, std::chrono::milliseconds a, const std::string& later,
  std::chrono::milliseconds b, int times) {
  if (b >= a * times) return {};
  return d.at(d.given(later) ? later : earlier,
    "storage." + later + " is " + milliseconds(b) + " and storage." + earlier + " " + milliseconds(a) +
      "; expected the first to be at least " + std::to_string(times) + " times the second");
}

result<> check_times(const draft& d) {
  const auto& g = d.gossip;
  TROUPE_TRY(check_order(d, "gossip.interval", g.interval, "gossip.suspect_timeout", g.suspect_timeout, 2));
  TROUPE_TRY(check_order(d, "gossip.suspect_timeout", g.suspect_timeout, "gossip.dead_timeout", g.dead_timeout, 2));
  // Raft: heartbeats that fail to arrive now and then must not depose a leader.
  return check_order(
    d, "metadata.heartbeat", d.metadata.heartbeat, "metadata.election_timeout", d.metadata.election_timeout, 3);
}

result<> check_members(draft& d) {
  auto& members = d.metadata.members;
  if (!d.given("metadata.members")) {
    for (const auto& n : d.nodes)
      if (n.metadata && members.size() < metadata_members_max) members.push_back(n.id);
    if (members.size() % 2 == 0) members.pop_back();
    return {};
  }
  if (members.size() % 2 == 0 || members.size() > metadata_members_max)
    return d.at("metadata.members",
      "storage.metadata.members has " + std::to_string(members.size()) +
        " nodes; expected 1, 3 or 5: an even number survives no more losses than one less");
  for (const auto& id : members) {
    const auto* n = d.find(id);
    if (n == nullptr || !n->metadata)
      return d.at("metadata.members",
        "storage.metadata.members names '" + id.name + "', which is " +
          (n == nullptr ? "no node of the list" : "a node without the role metadata") +
          "; expected nodes with that role");
  }
  return {};
}

// What would say nothing, or something else than was meant, when every node is in this process.
result<> check_local(const draft& d) {
  if (d.mode != cluster_mode::local) return {};
  auto refuse = [&](const std::string& key, const char* what) {
    return d.at(key,
      "storage." + key + " is given, but mode is local: " + what +
        "; drop it, or set mode to distributed and start a process a node");
  };
  for (const auto* key : {"tls.ca", "tls.certificate", "tls.key"})
    if (d.given(key)) return refuse(key, "nodes in one process do not connect to each other");
  if (!d.seeds.empty()) return refuse("seeds", "there is nobody to join");
  if (d.faults) return refuse("faults", "there are no connections to cut");
  auto takes_data = [](const node_config& n) { return n.storage && n.weight != 0; };
  if (std::ranges::none_of(d.nodes, takes_data))
    return d.at("nodes", "every storage node has weight 0; expected one at least that takes data");
  return {};
}

result<> check_tls(draft& d) {
  const auto& t = d.tls_given;
  if (t != tls_files{}) {
    for (const auto& [name, path] :
      {std::pair{"ca", &t.ca}, std::pair{"certificate", &t.certificate}, std::pair{"key", &t.key}})
      if (path->empty())
        return d.at("nodes",
          std::string{"storage.tls has no "} + name +
            "; expected ca, certificate and key, or no tls at all (what clients see is https.certificate and "
            "https.key)");
    d.tls = t;
    return {};
  }
  if (d.mode == cluster_mode::local) return {}; // nothing leaves the process
  auto refuse = [&](const std::string& key, const host_port& where) {
    return d.at(key,
      "storage." + key + " is '" + to_string(where) +
        "'; without tls expected an address on loopback, such as 127.0.0.1:9101: make certificates with `troupe ca` "
        "and set " +
        "tls.ca, tls.certificate and tls.key");
  };
  for (std::size_t i = 0; i < d.nodes.size(); ++i)
    for (const auto& [name, where] :
      {std::pair{"address", &d.nodes[i].address}, std::pair{"listen", &d.nodes[i].listen}})
      if (!is_loopback(where->host)) return refuse(key_of(i, name), *where);
  for (const auto& s : d.seeds)
    if (!is_loopback(s.host)) return refuse("seeds", s);
  return {};
}

result<> check_https(const draft& d) {
  if (d.https.certificate.empty() == d.https.key.empty()) return {};
  return d.at(d.https.key.empty() ? "https.certificate" : "https.key",
    std::string{"storage.https has no "} + (d.https.key.empty() ? "key" : "certificate") +
      "; expected certificate and key, or neither");
}

result<> check_encryption(const draft& d) {
  if (!d.cluster.encryption || !d.identity.master_key_file.empty()) return {};
  return d.at(
    "cluster.encryption", "cluster.encryption needs identity.master_key_file, which the keys of buckets are kept with");
}

result<> check_tokens(const draft& d) {
  const auto& t = d.identity.jwt;
  const bool all = !t.issuer.empty() && !t.audience.empty() && !t.keys.empty();
  if (!all && !(t.issuer.empty() && t.audience.empty() && t.keys.empty()))
    return d.at(
      "identity.jwt", "tokens need all three of identity.jwt.issuer, identity.jwt.audience and identity.jwt.keys");
  if (auto ok = check_jwks_address(t.keys); !ok)
    return d.at("identity.jwt.keys", "identity.jwt.keys: " + ok.error().message);
  return {};
}

result<> check_credentials(const draft& d) {
  if (d.keys.access_key.empty() != d.keys.secret_key.empty())
    return d.at(d.keys.access_key.empty() ? "credentials.secret_key" : "credentials.access_key",
      "storage.credentials has one of two keys; expected access_key and secret_key");
  if (!d.keys.access_key.empty() && !d.credentials_file.empty())
    return d.at(
      "credentials_file", "both storage.credentials and storage.credentials_file are given; expected one of them");
  return {};
}

} // namespace

result<> complete(draft& d) {
  TROUPE_TRY(check_identities(d));
  TROUPE_TRY(check_front_doors(d));
  TROUPE_TRY(check_volumes(d));
  TROUPE_TRY(check_roles(d));
  TROUPE_TRY(check_quorum(d));
  TROUPE_TRY(check_times(d));
  TROUPE_TRY(check_members(d));
  TROUPE_TRY(check_local(d));
  TROUPE_TRY(check_tls(d));
  TROUPE_TRY(check_https(d));
  TROUPE_TRY(check_encryption(d));
  TROUPE_TRY(check_tokens(d));
  return check_credentials(d);
}

} // namespace troupe::config
