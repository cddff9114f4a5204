#include "actors/cluster_map_row.hpp"

#include "actors/map_rows.hpp"

namespace troupe {

result<cluster_map> map_in(const std::string& cluster, const std::optional<std::string>& row) {
  if (!row) return cluster_map::empty(cluster);
  pb::cluster_map message;
  if (!message.ParseFromString(*row)) return fail(ec::corrupt, "the cluster map does not parse");
  auto map = cluster_map::make(message);
  if (map && map->cluster() != cluster)
    return fail(ec::conflict, "the metadata group's map is of cluster " + map->cluster() + ", not " + cluster);
  return map;
}

wire<pb::batch> replacing_map(const cluster_map& next, const std::optional<std::string>& before, unix_ms now) {
  pb::batch batch;
  auto key = map_key();
  auto& p = *batch.add_preconditions();
  p.set_key(key);
  p.set_kind(before ? pb::precondition::equals : pb::precondition::not_exists);
  if (before) p.set_digest(tables::digest_of(*before));
  auto& put = *batch.add_operations();
  put.set_kind(pb::operation::put);
  put.set_key(key);
  put.set_value(next.message().SerializeAsString());
  batch.set_now_ms(now);
  return wire<pb::batch>{std::move(batch)};
}

} // namespace troupe
