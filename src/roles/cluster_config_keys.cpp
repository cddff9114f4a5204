#include "roles/cluster_config_keys.hpp"

namespace troupe::config {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t KiB = 1 << 10, MiB = 1 << 20, TiB = std::uint64_t{1} << 40;

using Y = const YAML::Node&;

constexpr setting<node_config> of_nodes[] = {
  {"id", "1 to 63 of a-z 0-9 . _ -, beginning with a letter or digit",
    [](Y y, node_config& n) { return read_node_id(y, n.id); }},
  {"address", "HOST:PORT where other nodes reach it, such as storage-1:9101, 10.0.0.7:9101 or [fd00::7]:9101",
    [](Y y, node_config& n) { return read_node_address(y, n.address); }},
  {"listen", "ADDRESS:PORT to bind its actor port to, such as 10.0.0.7:9101 or :9101; with a port of its own, not 0",
    [](Y y, node_config& n) -> wrong {
      if (auto bad = read_listen_address(y, n.listen)) return bad;
      return n.listen.port == 0 ? wrong{y} : std::nullopt;
    }},
  {"data_dir", "a directory", [](Y y, node_config& n) { return read_text(y, n.data_dir); }},
  {"zone", "empty, or up to 63 of a-z 0-9 . _ -, beginning with a letter or digit",
    [](Y y, node_config& n) { return read_zone(y, n.zone); }},
  {"weight", "a whole number from 0 to 100", [](Y y, node_config& n) { return read_whole(y, 0, 100, n.weight); }},
  {"roles", "a list of coordinator, storage and metadata, each at most once",
    [](Y y, node_config& n) { return read_roles(y, n); }},
  {"s3", "ADDRESS:PORT to listen on, such as 127.0.0.1:9000 or :9000",
    [](Y y, node_config& n) { return read_listen_address(y, n.s3); }},
  {"console", "ADDRESS:PORT to listen on, such as 127.0.0.1:9001 or :9001",
    [](Y y, node_config& n) { return read_listen_address(y, n.console); }},
  {"directory", "off, or ADDRESS:PORT to listen on, such as 127.0.0.1:8000",
    [](Y y, node_config& n) { return read_front_address(y, n.fronts.directory); }},
  {"files", "off, or ADDRESS:PORT to listen on, such as 127.0.0.1:8001",
    [](Y y, node_config& n) { return read_front_address(y, n.fronts.files); }},
  {"s3db", "off, or ADDRESS:PORT to listen on, such as 127.0.0.1:6660",
    [](Y y, node_config& n) { return read_front_address(y, n.fronts.s3db); }},
  {"shards", "off, or ADDRESS:PORT to listen on, such as 127.0.0.1:50051",
    [](Y y, node_config& n) { return read_front_address(y, n.fronts.shards); }},
};

constexpr setting<draft> of_storage[] = {
  {"mode", "distributed or local",
    [](Y y, draft& d) {
      bool local = false;
      auto bad = read_word(y, "distributed", "local", local);
      d.mode = local ? cluster_mode::local : cluster_mode::distributed;
      return bad;
    }},
  {"cluster.name", "1 to 63 of a-z 0-9 -", [](Y y, draft& d) { return read_region(y, d.cluster_name); }},
  {"cluster.replica_count", "a whole number from 1 to 9",
    [](Y y, draft& d) { return read_whole(y, 1, 9, d.cluster.replica_count); }},
  {"cluster.write_quorum", "a whole number from 1 to 9",
    [](Y y, draft& d) { return read_whole(y, 1, 9, d.cluster.write_quorum); }},
  {"cluster.read_quorum",
    "1, the one value that is supported: what is read is named by metadata and checksummed, so one valid copy is the "
    "answer",
    [](Y y, draft& d) { return read_whole(y, 1, 1, d.cluster.read_quorum); }},
  {"cluster.virtual_nodes", "150, the one value that is supported",
    [](Y y, draft& d) { return read_whole(y, 150, 150, d.cluster.virtual_nodes); }},
  {"cluster.erasure.data", "a whole number from 2 to 16",
    [](Y y, draft& d) { return read_whole(y, 2, 16, d.cluster.erasure_data); }},
  {"cluster.erasure.parity", "a whole number from 1 to 8",
    [](Y y, draft& d) { return read_whole(y, 1, 8, d.cluster.erasure_parity); }},
  {"cluster.inline_limit", "a size from 0 to 64KiB",
    [](Y y, draft& d) { return read_size(y, 0, 64 * KiB, d.cluster.inline_limit_bytes); }},
  {"cluster.piece_size", "a size from 64KiB to 1MiB",
    [](Y y, draft& d) { return read_size(y, 64 * KiB, MiB, d.cluster.piece_bytes); }},
  {"cluster.encryption", "off or on", [](Y y, draft& d) { return read_word(y, "off", "on", d.cluster.encryption); }},
  {"coordinator.address", "ADDRESS:PORT to listen on, such as 127.0.0.1:9100 or :9100",
    [](Y y, draft& d) { return read_listen_address(y, d.coordinator.emplace()); }},
  {"s3.address", "ADDRESS:PORT to listen on, such as 127.0.0.1:9000 or :9000",
    [](Y y, draft& d) { return read_listen_address(y, d.s3); }},
  {"s3.region", "1 to 63 of a-z 0-9 -, beginning with a letter or digit",
    [](Y y, draft& d) { return read_region(y, d.region); }},
  {"console.address", "ADDRESS:PORT to listen on, such as 127.0.0.1:9001 or :9001",
    [](Y y, draft& d) { return read_listen_address(y, d.console); }},
  {"directory.address", "off, or ADDRESS:PORT to listen on, such as 127.0.0.1:8000",
    [](Y y, draft& d) { return read_front_address(y, d.fronts.directory); }},
  {"files.address", "off, or ADDRESS:PORT to listen on, such as 127.0.0.1:8001",
    [](Y y, draft& d) { return read_front_address(y, d.fronts.files); }},
  {"files.wal_segment", "a size from 4KiB to 4MiB",
    [](Y y, draft& d) { return read_size(y, 4 * KiB, 4 * MiB, d.files.segment_bytes); }},
  {"files.wal_segments_kept", "a whole number from 1 to 256",
    [](Y y, draft& d) { return read_whole(y, 1, 256, d.files.segments_kept); }},
  {"files.cache", "a size from 0 to 1TiB", [](Y y, draft& d) { return read_size(y, 0, TiB, d.files.cache_bytes); }},
  {"files.verify_interval", "a duration from 1s to 720h",
    [](Y y, draft& d) { return read_duration(y, 1s, 720h, d.files.verify_interval); }},
  {"s3db.address", "off, or ADDRESS:PORT to listen on, such as 127.0.0.1:6660",
    [](Y y, draft& d) { return read_front_address(y, d.fronts.s3db); }},
  {"shards.address", "off, or ADDRESS:PORT to listen on, such as 127.0.0.1:50051",
    [](Y y, draft& d) { return read_front_address(y, d.fronts.shards); }},
  {"shards.lease", "a duration from 500ms to 1m",
    [](Y y, draft& d) { return read_duration(y, 500ms, 1min, d.shards.lease); }},
  {"shards.delete_grace", "a duration from 0s to 720h",
    [](Y y, draft& d) { return read_duration(y, 0s, 720h, d.shards.delete_grace); }},
  {"shards.snapshot_interval", "off, or a duration from 1s to 8760h",
    [](Y y, draft& d) -> wrong {
      if (y.IsScalar() && y.Scalar() == "off") {
        d.shards.snapshot_interval = 0ms;
        return std::nullopt;
      }
      return read_duration(y, 1s, 8760h, d.shards.snapshot_interval);
    }},
  {"shards.snapshot_keep", "a whole number from 1 to 500",
    [](Y y, draft& d) { return read_whole(y, 1, 500, d.shards.snapshot_keep); }},
  {"shards.compact_at", "a whole number from 10 to 100, of percent",
    [](Y y, draft& d) { return read_whole(y, 10, 100, d.shards.compaction.at_percent); }},
  {"shards.compact_rate", "a size from 64KiB to 1TiB, of what is read and written in a second",
    [](Y y, draft& d) { return read_size(y, 64 * KiB, TiB, d.shards.compaction.rate_bytes); }},
  {"shards.volumes",
    "a list of at most 64 volumes, each with its own id, provider (local-dir, shared-dir or aws-ebs), path; if "
    "not all have it, nodes; of aws-ebs, ebs with volume, instance, device and region",
    [](Y y, draft& d) { return read_volumes(y, d.shards.volumes); }},
  {"gossip.interval", "a duration from 50ms to 1m",
    [](Y y, draft& d) { return read_duration(y, 50ms, 1min, d.gossip.interval); }},
  {"gossip.suspect_timeout", "a duration from 100ms to 10m",
    [](Y y, draft& d) { return read_duration(y, 100ms, 10min, d.gossip.suspect_timeout); }},
  {"gossip.dead_timeout", "a duration from 200ms to 24h",
    [](Y y, draft& d) { return read_duration(y, 200ms, 24h, d.gossip.dead_timeout); }},
  {"metadata.members", "a list of node ids, each once",
    [](Y y, draft& d) { return read_node_ids(y, d.metadata.members); }},
  {"metadata.heartbeat", "a duration from 10ms to 10s",
    [](Y y, draft& d) { return read_duration(y, 10ms, 10s, d.metadata.heartbeat); }},
  {"metadata.election_timeout", "a duration from 100ms to 1m",
    [](Y y, draft& d) { return read_duration(y, 100ms, 1min, d.metadata.election_timeout); }},
  {"tls.ca", "the path of a PEM file", [](Y y, draft& d) { return read_text(y, d.tls_given.ca); }},
  {"tls.certificate", "the path of a PEM file", [](Y y, draft& d) { return read_text(y, d.tls_given.certificate); }},
  {"tls.key", "the path of a PEM file", [](Y y, draft& d) { return read_text(y, d.tls_given.key); }},
  {"https.certificate", "the path of a PEM file", [](Y y, draft& d) { return read_text(y, d.https.certificate); }},
  {"https.key", "the path of a PEM file", [](Y y, draft& d) { return read_text(y, d.https.key); }},
  {"https.plain", "a list of s3, console, directory, files, s3db and shards, each at most once",
    [](Y y, draft& d) { return read_front_names(y, d.https.plain); }},
  {"https.refresh", "a duration from 100ms to 24h",
    [](Y y, draft& d) { return read_duration(y, 100ms, 24h, d.https.refresh); }},
  {"healing.delay", "a duration from 0s to 24h",
    [](Y y, draft& d) { return read_duration(y, 0s, 24h, d.healing.delay); }},
  {"healing.rate", "a size from 1MiB to 1TiB, of what is copied in a second",
    [](Y y, draft& d) { return read_size(y, MiB, TiB, d.healing.rate_bytes); }},
  {"healing.reclaim_grace", "a duration from 1s to 24h",
    [](Y y, draft& d) { return read_duration(y, 1s, 24h, d.healing.reclaim_grace); }},
  {"healing.compare_interval", "a duration from 1s to 720h",
    [](Y y, draft& d) { return read_duration(y, 1s, 720h, d.healing.compare_interval); }},
  {"healing.orphan_grace", "a duration from 1s to 720h",
    [](Y y, draft& d) { return read_duration(y, 1s, 720h, d.healing.orphan_grace); }},
  {"healing.sweep_interval", "a duration from 1s to 720h",
    [](Y y, draft& d) { return read_duration(y, 1s, 720h, d.healing.sweep_interval); }},
  {"healing.scrub_rate", "a size from 64KiB to 1TiB, of what is read in a second",
    [](Y y, draft& d) { return read_size(y, 64 * KiB, TiB, d.healing.scrub_rate_bytes); }},
  {"healing.scrub_interval", "a duration from 1s to 8760h",
    [](Y y, draft& d) { return read_duration(y, 1s, 8760h, d.healing.scrub_interval); }},
  {"memory.uploads", "a size from 16MiB to 1TiB",
    [](Y y, draft& d) { return read_size(y, 16 * MiB, TiB, d.upload_memory_bytes); }},
  {"credentials.access_key", "at least 3 characters",
    [](Y y, draft& d) -> wrong {
      if (auto bad = read_text(y, d.keys.access_key)) return bad;
      return d.keys.access_key.size() < 3 ? wrong{y} : std::nullopt;
    }},
  {"credentials.secret_key", "at least 8 characters",
    [](Y y, draft& d) -> wrong {
      if (auto bad = read_text(y, d.keys.secret_key)) return bad;
      return d.keys.secret_key.size() < 8 ? wrong{y} : std::nullopt;
    },
    true},
  {"credentials_file", "the path of a file with lines `access_key = ...` and `secret_key = ...`",
    [](Y y, draft& d) { return read_text(y, d.credentials_file); }},
  {"identity.master_key_file", "the path of a file with 64 hex digits",
    [](Y y, draft& d) { return read_text(y, d.identity.master_key_file); }},
  {"identity.refresh", "a duration from 100ms to 1m",
    [](Y y, draft& d) { return read_duration(y, 100ms, 1min, d.identity.refresh); }},
  {"identity.jwt.issuer", "the iss of the tokens that are believed",
    [](Y y, draft& d) { return read_text(y, d.identity.jwt.issuer); }},
  {"identity.jwt.audience", "the aud of the tokens that are believed",
    [](Y y, draft& d) { return read_text(y, d.identity.jwt.audience); }},
  {"identity.jwt.keys", "a JSON Web Key Set: a path, an https:// address, or http:// on loopback",
    [](Y y, draft& d) { return read_text(y, d.identity.jwt.keys); }},
  {"identity.jwt.roles_claim", "the name of a claim",
    [](Y y, draft& d) { return read_text(y, d.identity.jwt.roles_claim); }},
  {"identity.jwt.refresh", "a duration from 1s to 24h",
    [](Y y, draft& d) { return read_duration(y, 1s, 24h, d.identity.jwt.refresh); }},
  {"audit.file", "off, or the path of a file", [](Y y, draft& d) { return read_text(y, d.audit.file); }},
  {"audit.reads", "no or yes", [](Y y, draft& d) { return read_word(y, "no", "yes", d.audit.reads); }},
  {"audit.size", "a size from 64KiB to 1TiB",
    [](Y y, draft& d) { return read_size(y, 64 * KiB, TiB, d.audit.bytes_max); }},
  {"audit.keep", "a whole number from 0 to 1000", [](Y y, draft& d) { return read_whole(y, 0, 1000, d.audit.keep); }},
  {"audit.when_full", "drop or block", [](Y y, draft& d) { return read_word(y, "drop", "block", d.audit.block); }},
  {"metrics.token_file", "the path of a file with one line of at least 16 characters",
    [](Y y, draft& d) { return read_text(y, d.observation.metrics_token_file); }},
  {"tracing.endpoint", "off, or the address of a collector such as http://127.0.0.1:4318/v1/traces",
    [](Y y, draft& d) { return read_trace_endpoint(y, d.observation.trace_endpoint); }},
  {"tracing.sample", "a number from 0 to 1",
    [](Y y, draft& d) { return read_trace_sample(y, d.observation.trace_sample); }},
  {"faults", "disabled or enabled", [](Y y, draft& d) { return read_word(y, "disabled", "enabled", d.faults); }},
  {"seeds", "a list of HOST:PORT, each once", [](Y y, draft& d) { return read_addresses(y, d.seeds); }},
  {"nodes", "a list of nodes", nullptr},
};

} // namespace

std::span<const setting<draft>> settings() { return of_storage; }
std::span<const setting<node_config>> node_settings() { return of_nodes; }

std::vector<std::string> known_keys() {
  std::vector<std::string> keys;
  for (const auto& s : settings())
    if (s.read) keys.emplace_back(s.key);
  for (const auto& s : node_settings()) keys.push_back("nodes[]." + std::string{s.key});
  return keys;
}

} // namespace troupe::config
