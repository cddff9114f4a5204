#include "roles/local_process.hpp"

#include "roles/node_process.hpp"

#include <spdlog/spdlog.h>

namespace troupe {

result<std::unique_ptr<local_process>> local_process::start(const cluster_config& config) {
  auto keys = cluster_credentials(config);
  if (!keys) return keys.error();
  local_store_options o;
  o.cluster = cluster_id_of(config.cluster_name);
  auto directories = local_directories::open(config, o.cluster);
  if (!directories) return directories.error();
  o.metadata = directories->metadata();
  o.metadata_name = config.metadata.members.front();
  for (auto& v : directories->volumes()) {
    auto* n = config.find(v.node);
    o.nodes.push_back({.id = v.node, .volume = v.path, .had_data = v.had_data, .zone = n->zone, .weight = n->weight});
  }
  o.s3 = config.s3;
  o.console = config.console;
  o.fronts = config.fronts;
  o.https = config.https_of(o.metadata_name);
  o.shards = config.shards;
  for (auto& v : o.shards.volumes) v.nodes.clear(); // they are all in this process
  o.keys = *keys;
  o.identity = config.identity;
  o.audit = config.audit_of(*config.find(o.metadata_name));
  o.region = config.region;
  o.memory_bytes = config.upload_memory_bytes;
  o.inline_bytes_max = config.cluster.inline_limit_bytes;
  o.encrypt_content = config.cluster.encryption;
  o.redundancy = redundancy_of(config);
  o.healing = config.healing;
  o.files = config.files;
  o.observation = config.observation;
  auto started = local_store::start(o);
  if (!started) return started.error();
  spdlog::info(
    "mode local: {} storage nodes in this process; the metadata has one copy, in {}", o.nodes.size(), o.metadata);
  return std::unique_ptr<local_process>{new local_process{std::move(*directories), std::move(*started)}};
}

} // namespace troupe
