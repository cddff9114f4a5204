// configured_coordinator: what the configuration says of a node's coordinator. The actors that it asks are for who starts it.
#pragma once

#include "roles/cluster_config.hpp"
#include "roles/coordinator.hpp"

namespace troupe {

inline coordinator_options configured_coordinator(const cluster_config& c, const node_config& n) {
  coordinator_options o;
  o.s3 = n.s3;
  o.console = n.console;
  o.fronts = n.fronts;
  o.memory_bytes = c.upload_memory_bytes;
  o.inline_bytes_max = c.cluster.inline_limit_bytes;
  o.redundancy = {.copies = c.cluster.replica_count,
    .data = c.cluster.erasure_data,
    .parity = c.cluster.erasure_parity,
    .piece_bytes = static_cast<std::uint32_t>(c.cluster.piece_bytes)};
  o.identity = c.identity;
  o.audit = c.audit_of(n);
  o.region = c.region;
  o.healing = c.healing;
  return o;
}

} // namespace troupe
