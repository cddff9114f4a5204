// map_news: what is different in a later cluster map, node by node, for people.
#pragma once

#include "core/cluster_map.hpp"
#include "core/event_log.hpp"

#include <string>
#include <vector>

namespace troupe {

struct map_news {
  node_id node;
  std::string what; // "joining -> up", "weight 1 -> 2"
};
std::vector<map_news> news_between(const cluster_map& before, const cluster_map& now);

// The same to whoever watches, when it is a later one. Null: nothing was known before.
void tell_news(event_log&, const cluster_map* before, const cluster_map& now);

} // namespace troupe
