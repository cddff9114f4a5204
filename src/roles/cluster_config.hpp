// cluster_config: what config/cluster.yaml says, as plain values: read, checked and completed. config/reference.yaml has
// every key with its default. Nothing here opens a socket, a certificate or a data directory.
//
// Who wins: command line flags, then the environment, then the file, then the default. The first two arrive as
// config_overrides (cli/cluster_flags.hpp). A value for one node (nodes[].s3) wins over the one for all (s3.address).
#pragma once

#include "base/error.hpp"
#include "base/ids.hpp"
#include "roles/credentials.hpp"
#include "roles/front_addresses.hpp"
#include "roles/host_port.hpp"
#include "roles/https_settings.hpp"
#include "roles/identity_settings.hpp"
#include "roles/observation_settings.hpp"
#include "roles/shards_config.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

inline constexpr std::uint16_t default_actor_port = 9101;

enum class cluster_mode : std::uint8_t {
  distributed, // a process a node
  local,       // every node of the list in one process
};

struct node_config {
  node_id id;
  host_port address;    // its actor port, as other nodes reach it
  host_port listen;     // where it binds that port: address, unless something between the two translates
  std::string data_dir; // {node} is already replaced
  std::string zone;     // empty: a zone of its own
  std::uint32_t weight = 1;
  bool coordinator = true, storage = true, metadata = true; // its roles
  host_port s3, console;                                    // where its front doors listen
  front_addresses fronts;                                   // the same, of those that are switched on
  friend bool operator==(const node_config&, const node_config&) = default;
};

struct redundancy_config {
  std::uint32_t replica_count = 3;
  std::uint32_t write_quorum = 2; // write_quorum(1, replica_count - 1) of core/quorum.hpp
  std::uint32_t read_quorum = 1;
  std::uint32_t virtual_nodes = 150; // a weight unit
  std::uint32_t erasure_data = 3, erasure_parity = 2;
  std::uint64_t inline_limit_bytes = 8 << 10; // content up to here lives in its metadata row
  std::uint64_t piece_bytes = 512 << 10;
  bool encryption = false; // of content at rest, in buckets that do not say otherwise
  friend bool operator==(const redundancy_config&, const redundancy_config&) = default;
};

struct gossip_config {
  std::chrono::milliseconds interval{1000};
  std::chrono::milliseconds suspect_timeout{5000};
  std::chrono::milliseconds dead_timeout{30'000}; // then the metadata leader may call it down
  friend bool operator==(const gossip_config&, const gossip_config&) = default;
};

struct metadata_config {
  std::vector<node_id> members; // of the Raft group: 1, 3 or 5 nodes with the metadata role
  std::chrono::milliseconds heartbeat{100};
  std::chrono::milliseconds election_timeout{1000};
  friend bool operator==(const metadata_config&, const metadata_config&) = default;
};

// Of the files front door: its log, and what it keeps in memory.
struct files_config {
  std::uint64_t segment_bytes = std::uint64_t{1} << 20;
  std::uint32_t segments_kept = 16; // closed ones
  std::uint64_t cache_bytes = std::uint64_t{64} << 20;
  std::chrono::milliseconds verify_interval{3'600'000};
  friend bool operator==(const files_config&, const files_config&) = default;
};

struct healing_config {
  std::chrono::milliseconds delay{60'000}; // between down and the first repair
  std::uint64_t rate_bytes = 64 << 20;     // a second
  std::chrono::milliseconds reclaim_grace{60'000};
  std::chrono::milliseconds compare_interval{3'600'000};
  std::chrono::milliseconds orphan_grace{86'400'000}; // pieces that nothing names are left alone for so long
  std::chrono::milliseconds sweep_interval{21'600'000};
  std::uint64_t scrub_rate_bytes = 16 << 20; // a second and node
  std::chrono::milliseconds scrub_interval{604'800'000};
  friend bool operator==(const healing_config&, const healing_config&) = default;
};

// Paths, relative to the working directory.
struct tls_files {
  std::string ca, certificate, key;
  friend bool operator==(const tls_files&, const tls_files&) = default;
};

struct cluster_config {
  cluster_mode mode = cluster_mode::distributed;
  std::string cluster_name = "troupe"; // what tells this cluster from others
  std::vector<node_config> nodes;      // as the file lists them; never empty
  std::optional<node_id> self;         // the node that this process is, when that was said; in nodes
  std::vector<host_port> seeds;        // addresses to join by, besides the nodes'
  redundancy_config cluster;
  host_port s3{"127.0.0.1", 9000}; // what a node without an address of its own listens on
  host_port console{"127.0.0.1", 9001};
  front_addresses fronts; // none
  shards_config shards;
  std::string region = "us-east-1";
  gossip_config gossip;
  metadata_config metadata;
  healing_config healing;
  files_config files;
  std::uint64_t upload_memory_bytes = 192 << 20;
  std::optional<tls_files> tls; // with {node} in them; see tls_of()
  https_settings https;         // the same; see https_of()
  credentials keys;             // both empty: see cluster_credentials()
  std::string credentials_file;
  identity_settings identity;
  audit_settings audit; // of every node; file: empty for data_dir/audit.log, "off", or a path with {node} in it
  observation_settings observation;
  bool faults = false; // whether faults may be injected while it runs

  const node_config* find(const node_id&) const;     // null when there is no such node
  audit_settings audit_of(const node_config&) const; // with the path of its file
  // The files of one node; nothing when the cluster runs without TLS (on loopback, or in one process).
  std::optional<tls_files> tls_of(const node_id&) const;
  https_settings https_of(const node_id&) const;
  friend bool operator==(const cluster_config&, const cluster_config&) = default;
};

// 1 to 63 of a-z 0-9 . _ -, beginning with a letter or digit: also the name of a directory and of a certificate.
bool is_node_id(std::string_view);

// What somebody said instead of the file. An empty value says nothing.
struct config_override {
  std::string value;
  std::string origin; // "--node", "BACKEND": names it in an error message
};

struct config_overrides {
  config_override node;        // this process's node; "-1": all of them in this process, as mode local
  config_override mode;        // distributed or local
  config_override s3, console; // where this process listens
  std::array<config_override, front_kinds.size()> fronts; // the same, in that order; or "off"
  config_override seeds;                                  // separated by commas
  config_override roles;                                  // of this process's node; separated by commas
  config_override ca, certificate, key;
  config_override https_certificate, https_key;
  config_override access_key, secret_key;
  config_override trace_endpoint, trace_sample;
};

// `path` is a YAML file of at most 1 MiB. The error's message is for a person: "cluster.yaml:12: what was found, what was
// expected"; it never shows a secret. ec::not_found: no such file; ec::bad_argument: a mistake in it or in the
// overrides; ec::io_error, ec::too_large.
result<cluster_config> load_cluster_config(const std::string& path, const config_overrides& = {});
// The same for text; `name` stands for the path in messages.
result<cluster_config> parse_cluster_config(
  std::string_view text, const std::string& name, const config_overrides& = {});

// One of the keys files.* ("files.cache"), as if its value stood in a file. The error names the override's origin.
result<> set_files_key(files_config&, const std::string& key, const config_override&);

// The keys that clients sign with: those of the configuration or the environment, else of credentials_file. There is no
// default: ec::not_found says how to give some.
result<credentials> cluster_credentials(const cluster_config&);

} // namespace troupe
