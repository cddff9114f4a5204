// survey: what the nodes of a cluster said of themselves when they were asked, all at one time. Plain values: made by
// the SURVEYOR, shown by api/admin. What was not answered says why; nothing here is estimated.
#pragma once

#include "base/error.hpp"
#include "core/cluster_map.hpp"
#include "core/gossip.hpp"
#include "troupe.pb.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace troupe {

struct node_survey {
  node_id id;
  std::optional<cluster_node> listed;  // its line in the map; nothing in `troupe dev`
  std::optional<member_status> gossip; // nothing: gossip does not know it, or there is none
  bool asked = false;                  // whether it was asked for what it stores: it has that role, and is not gone
  result<pb::shard_status> storage = fail(ec::unavailable, "not asked");
};

struct member_survey {
  node_id node;
  result<pb::metadata_status> status = fail(ec::unavailable, "not asked");
};

struct cluster_survey {
  std::string cluster;
  node_id asked_by;                   // empty in `troupe dev`
  std::optional<std::uint64_t> epoch; // of the map; nothing in `troupe dev`
  std::vector<node_survey> nodes;     // by id
  std::vector<member_survey> members; // every node with the metadata role, whether its group has taken it in or not
};

// What the nodes that should hold pieces of one extent say they lack.
struct extent_survey {
  using piece = std::pair<std::uint64_t, std::uint32_t>; // stripe, piece
  std::map<node_id, result<std::vector<piece>>> lacking; // every node of the extent
};

} // namespace troupe
