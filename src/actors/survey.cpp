#include "actors/survey.hpp"

#include "codec/units.hpp"

#include <algorithm>

namespace troupe {
namespace {

void notice_storage(const node_survey& before, const node_survey& now, std::vector<noticed>& out) {
  if (!before.storage || !now.storage) return; // who does not answer is gossip's to tell
  auto& was = *before.storage;
  auto& is = *now.storage;
  auto& node = now.id.name;
  if (is.damaged_records() > was.damaged_records())
    out.push_back({"damage", node,
      node + " found " + std::to_string(is.damaged_records() - was.damaged_records()) + " more damaged records, " +
        std::to_string(is.damaged_records()) + " in all"});
  if (was.writable() && !is.writable()) out.push_back({"storage", node, node + " takes no writes: " + is.reason()});
  if (!was.writable() && is.writable()) out.push_back({"storage", node, node + " takes writes again"});
}

} // namespace

const pb::metadata_status* leader_of(const cluster_survey& all) {
  const pb::metadata_status* leader = nullptr;
  for (const auto& m : all.members)
    if (m.status && m.status->state() == "leader" && (leader == nullptr || m.status->term() > leader->term()))
      leader = &*m.status;
  return leader;
}

std::vector<noticed> troubles_in(const cluster_survey& now) {
  std::vector<noticed> out;
  if (leader_of(now) == nullptr) out.push_back({"leader", {}, "the metadata group has no leader"});
  for (const auto& n : now.nodes)
    if (n.storage && !n.storage->writable())
      out.push_back({"storage", n.id.name, n.id.name + " takes no writes: " + n.storage->reason()});
  return out;
}

std::vector<noticed> changes_between(const cluster_survey& before, const cluster_survey& now) {
  std::vector<noticed> out;
  const auto* was = leader_of(before);
  const auto* is = leader_of(now);
  if (is == nullptr && was != nullptr) out.push_back({"leader", {}, "the metadata group has no leader"});
  if (is != nullptr && (was == nullptr || was->term() != is->term() || was->leader() != is->leader()))
    out.push_back({"leader", is->leader(),
      "the metadata group is led by " + is->leader() + ", term " + std::to_string(is->term())});
  for (const auto& n : now.nodes) {
    auto old = std::find_if(before.nodes.begin(), before.nodes.end(), [&](auto& b) { return b.id == n.id; });
    if (old != before.nodes.end()) notice_storage(*old, n, out);
  }
  return out;
}

std::vector<noticed> healing_changes(const node_id& node, const pb::heal_report* before, const pb::heal_report& now) {
  std::vector<noticed> out;
  auto tell = [&](std::string text) { out.push_back({"healing", node.name, std::move(text)}); };
  static const pb::heal_report nothing;
  auto& was = before != nullptr ? *before : nothing;
  if (now.active() != was.active() && before != nullptr)
    tell(node.name + (now.active() ? " heals the cluster" : " heals the cluster no more"));
  if (!now.active() || before == nullptr) return out;
  auto& m = now.mover();
  if (m.extents_moved() > was.mover().extents_moved())
    tell("moved " + std::to_string(m.extents_moved() - was.mover().extents_moved()) + " extents, " +
      human_bytes(m.bytes_moved() - std::min(m.bytes_moved(), was.mover().bytes_moved())) + "; " +
      std::to_string(m.extents_seen()) + " of this walk seen");
  if (m.under_protected() != was.mover().under_protected())
    tell(std::to_string(m.under_protected()) + " extents have lost pieces and can not get them back now");
  if (m.goal() != was.mover().goal() && !m.goal().empty() && m.goal() == "protect")
    tell("pieces of nodes that are lost or drained move elsewhere");
  auto& c = now.comparing();
  if (c.repaired() > was.comparing().repaired())
    tell(std::to_string(c.repaired() - was.comparing().repaired()) + " extents have all their pieces again");
  if (c.walks() > was.comparing().walks())
    tell("compared " + std::to_string(c.extents_before()) + " extents with their nodes; " +
      std::to_string(c.incomplete()) + " lacked pieces");
  return out;
}

} // namespace troupe
