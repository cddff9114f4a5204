#include "roles/development_store.hpp"

namespace troupe {
namespace {

// On this machine, when it listens on all addresses.
host_port reachable(host_port where) {
  if (where.host == "0.0.0.0") where.host = "127.0.0.1";
  if (where.host == "::") where.host = "::1";
  return where;
}

} // namespace

result<std::unique_ptr<development_store>> development_store::start(const development_options& options) {
  auto data = data_directory::open(options.path, options.nodes, system_entropy());
  if (!data) return data.error();
  auto keys = load_or_make_credentials(data->path(), system_entropy());
  if (!keys) return keys.error();
  local_store_options o;
  o.cluster = data->cluster_id();
  o.metadata = data->metadata();
  o.metadata_name.name = "metadata-1";
  for (unsigned n = 1; n <= options.nodes; ++n)
    o.nodes.push_back({.id = node_id{"node-" + std::to_string(n)},
      .volume = data->node(n),
      .had_data = n <= data->nodes_before(),
      .zone = {}});
  o.s3 = options.s3;
  o.console = options.console;
  o.fronts = options.fronts;
  o.https = options.https;
  o.files = options.files;
  o.shards.volumes.push_back(
    {.volume = {.id = "volume-1", .provider = "local-dir", .path = data->volume("volume-1")}, .nodes = {}});
  o.keys = *keys;
  o.observation = options.observation;
  o.identity.master_key_file = data->path() + "/master.key";
  o.identity.make_master_key = true;
  o.encrypt_content = options.encrypt;
  o.audit.file = data->path() + "/audit.log";
  o.healing.reclaim_grace = std::chrono::seconds{10}; // every reader is in this process, and pinned
  auto started = local_store::start(o);
  if (!started) return started.error();
  std::unique_ptr<development_store> store{
    new development_store{std::move(*data), std::move(*keys), options.https, std::move(*started)}};
  TROUPE_TRY(write_addresses(store->path(), store->endpoint(),
    (options.https.covers("console") ? "https://" : "") + to_string(reachable(store->console()))));
  return store;
}

std::string development_store::endpoint() const {
  return (https_.covers("s3") ? "https://" : "http://") + to_string(reachable(s3()));
}

} // namespace troupe
