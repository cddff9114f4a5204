#include "core/membership.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace troupe {
namespace {

using std::chrono::milliseconds;

std::string seconds(milliseconds t) { return std::to_string(t.count() / 1000) + " s"; }

// The map as it will be, a checked change at a time: what one node announces must not keep the others' changes back.
class draft {
public:
  explicit draft(const cluster_map& map) : map_(map) {}

  cluster_node node(const node_id& id) const {
    auto changed = changed_.find(id);
    return changed != changed_.end() ? changed->second : *map_.find(id);
  }
  bool change(const cluster_node& n, std::vector<std::string> reasons) {
    auto before = changed_;
    changed_[n.id] = n;
    auto next = map_.next(values());
    if (!next) {
      changed_ = std::move(before);
      out.refusals.push_back(next.error().message);
      return false;
    }
    out.next = std::move(*next);
    for (auto& why : reasons) out.reasons.push_back(std::move(why));
    return true;
  }

  membership_decision out;

private:
  std::vector<cluster_node> values() const {
    std::vector<cluster_node> all;
    for (auto& [id, n] : changed_) all.push_back(n);
    return all;
  }

  const cluster_map& map_;
  std::map<node_id, cluster_node> changed_;
};

class decider {
public:
  decider(const cluster_map& map, const membership_view& view, const membership_options& options)
      : map_(map), view_(view), options_(options), draft_(map) {
    for (auto& n : view.nodes) seen_.emplace(n.id, &n);
    for (auto& n : view.listed) listed_.emplace(n.id, &n);
  }

  membership_decision run_announcement(const node_sighting& n) {
    take_over(n);
    return std::move(draft_.out);
  }

  membership_decision run() {
    std::set<node_id> names;
    for (auto& n : map_.nodes()) names.insert(n.id);
    for (auto& [id, n] : seen_) names.insert(id);
    bool trusted = sees_half();
    for (auto& id : names) {
      auto* known = map_.find(id);
      auto* sighting = find(id);
      if (known == nullptr) {
        if (is_alive(sighting)) admit(*sighting);
      } else if (known->state == node_state::gone) {
        if (is_alive(sighting)) refuse_gone(*sighting);
      } else {
        if (is_alive(sighting)) take_over(*sighting);
        step(*known, sighting, trusted);
      }
    }
    if (!cut_off_from_.empty()) refuse_downs();
    return std::move(draft_.out);
  }

private:
  const node_sighting* find(const node_id& id) const {
    auto found = seen_.find(id);
    return found != seen_.end() ? found->second : nullptr;
  }
  static bool is_alive(const node_sighting* n) { return n != nullptr && n->status == member_status::alive; }

  static bool was_up(const cluster_node& n) {
    return n.state == node_state::up || n.state == node_state::draining || n.state == node_state::down;
  }

  bool sees_half() {
    for (auto& n : map_.nodes()) {
      if (!was_up(n)) continue;
      ++members_;
      if (is_alive(find(n.id))) ++alive_;
    }
    return 2 * alive_ >= members_;
  }

  void refuse_gone(const node_sighting& n) {
    draft_.out.refusals.push_back(n.id.name + " is alive at " + n.address +
      ", but a node of that name was removed: a name is never used again. Start it under another one, with an empty "
      "directory");
  }

  void refuse_downs() {
    std::string names;
    for (auto& id : cut_off_from_) names += (names.empty() ? "" : ", ") + id.name;
    draft_.out.refusals.push_back(names + " would be down, but only " + std::to_string(alive_) + " of " +
      std::to_string(members_) + " nodes are alive from here: this node may be the one that is cut off");
  }

  void admit(const node_sighting& n) {
    auto listed = listed_.find(n.id);
    if (listed == listed_.end() && !n.announced) return; // a name in gossip; it is spoken to first
    if (listed == listed_.end() && !options_.admit_unlisted) {
      draft_.out.refusals.push_back(
        n.id.name + " is alive at " + n.address + ", but is not in the configuration: it does not join by itself");
      return;
    }
    cluster_node joins;
    joins.id = n.id;
    if (listed != listed_.end()) joins = *listed->second;
    joins.address = n.address;
    joins.state = node_state::joining;
    joins.since_ms = view_.now_ms;
    joins.raft_id = 0;
    if (n.announced) announce(*n.announced, joins);
    draft_.change(joins, {n.id.name + " is alive at " + n.address + ": it joins"});
  }

  static void announce(const node_announcement& said, cluster_node& n) {
    n.roles = said.roles;
    n.raft_id = said.raft_id;
    if (said.zone) n.zone = *said.zone;
    // Only a new word: an old one must not undo what an operator set since.
    if (said.weight && said.weight != n.announced_weight) n.weight = *said.weight;
    if (said.weight) n.announced_weight = said.weight;
  }

  // The address by itself: a node whose announcement is refused must still be found.
  void take_over(const node_sighting& sighting) {
    auto moved = draft_.node(sighting.id);
    if (moved.address != sighting.address) {
      auto reason = moved.id.name + ": address " + moved.address + " -> " + sighting.address;
      moved.address = sighting.address;
      draft_.change(moved, {std::move(reason)});
    }
    if (!sighting.announced) return;
    auto was = draft_.node(sighting.id);
    auto is = was;
    announce(*sighting.announced, is);
    if (may_hold_data(was) && !is.roles.storage) {
      is.roles.storage = true;
      draft_.out.refusals.push_back(
        is.id.name + " no longer announces the storage role, but may hold data: drain it before");
    }
    if (is != was) draft_.change(is, differences(was, is));
  }

  static std::vector<std::string> differences(const cluster_node& was, const cluster_node& is) {
    std::vector<std::string> out;
    auto compare = [&](const char* what, const std::string& from, const std::string& to) {
      if (from != to) out.push_back(is.id.name + ": " + what + " " + from + " -> " + to);
    };
    compare("zone", "'" + was.zone + "'", "'" + is.zone + "'");
    compare("weight", std::to_string(was.weight), std::to_string(is.weight));
    compare("Raft id", std::to_string(was.raft_id), std::to_string(is.raft_id));
    compare("roles", roles_text(was.roles), roles_text(is.roles));
    if (out.empty()) out.push_back(is.id.name + " announces the weight that it has");
    return out;
  }

  static std::string roles_text(const node_roles& r) {
    std::string out;
    auto add = [&](bool has, const char* name) {
      if (has) out += (out.empty() ? "" : "+") + std::string{name};
    };
    add(r.storage, "storage");
    add(r.metadata, "metadata");
    add(r.coordinator, "coordinator");
    return out.empty() ? "none" : out;
  }

  void step(const cluster_node& known, const node_sighting* sighting, bool trusted) {
    const auto& name = known.id.name;
    switch (known.state) {
    case node_state::joining:
      if (is_alive(sighting)) enter(known.id, node_state::up, name + " is alive: joining -> up");
      break;
    case node_state::down:
      if (is_alive(sighting)) enter(known.id, node_state::up, name + " is alive again: down -> up");
      break;
    case node_state::draining:
      if (std::find(view_.emptied.begin(), view_.emptied.end(), known.id) != view_.emptied.end())
        enter(known.id, node_state::gone, name + " is named by no record: draining -> gone");
      break;
    case node_state::up: {
      if (sighting != nullptr && sighting->status != member_status::dead) break;
      auto missed = view_.now - (sighting != nullptr ? sighting->since : view_.watching_since);
      if (missed < options_.down_after) break;
      if (!trusted) {
        cut_off_from_.push_back(known.id);
        break;
      }
      enter(known.id, node_state::down,
        name + (sighting != nullptr ? " has been dead for " : " has not been heard of for ") + seconds(missed) +
          ": up -> down");
      break;
    }
    case node_state::gone: break;
    }
  }

  void enter(const node_id& id, node_state state, std::string why) {
    auto n = draft_.node(id);
    n.state = state;
    n.since_ms = view_.now_ms;
    draft_.change(n, {std::move(why)});
  }

  const cluster_map& map_;
  const membership_view& view_;
  const membership_options& options_;
  draft draft_;
  std::map<node_id, const node_sighting*> seen_;
  std::map<node_id, const cluster_node*> listed_;
  std::vector<node_id> cut_off_from_;
  std::size_t members_ = 0, alive_ = 0;
};

} // namespace

membership_decision decide(const cluster_map& map, const membership_view& view, const membership_options& options) {
  return decider{map, view, options}.run();
}

membership_decision announced(const cluster_map& map, const node_id& id, const node_announcement& said) {
  auto* known = map.find(id);
  if (known == nullptr || known->state == node_state::gone) return {};
  auto weight = known->announced_weight.value_or(known->weight);
  bool same = said.roles == known->roles && said.raft_id == known->raft_id &&
    said.zone.value_or(known->zone) == known->zone && said.weight.value_or(weight) == weight;
  if (same) return {};
  node_sighting n{.id = id, .address = known->address, .announced = said};
  return decider{map, {}, {}}.run_announcement(n);
}

} // namespace troupe
