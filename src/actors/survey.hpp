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

// What processes said when all were asked at one time; each request fills one of these.
struct process_answers {
  std::map<node_id, result<pb::process_status>> processes; // the name is empty in `troupe dev`
  std::map<node_id, result<pb::fault_report>> faults;
  std::map<node_id, result<pb::heal_report>> healing; // coordinators
};

// The member that leads in the highest term, as far as anybody answered; null when none does.
const pb::metadata_status* leader_of(const cluster_survey&);

// What an operator who watches is told: of one survey after another one.
struct noticed {
  std::string kind; // event_log.hpp
  std::string node;
  std::string text;
};
std::vector<noticed> troubles_in(const cluster_survey&); // of the first one
std::vector<noticed> changes_between(const cluster_survey& before, const cluster_survey& now);
// The same of who heals; null: not known before.
std::vector<noticed> healing_changes(const node_id&, const pb::heal_report* before, const pb::heal_report& now);

} // namespace troupe
