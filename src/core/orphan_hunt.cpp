#include "core/orphan_hunt.hpp"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

namespace troupe {
namespace {

constexpr std::string_view everywhere; // no node has an empty name

} // namespace

void orphan_hunt::begin_walk(std::uint64_t seed) {
  named_ = name_filter{names_ + names_ / 4, seed};
  names_ = 0;
  for (auto& [id, s] : suspects_) {
    s.named_on.clear();
    s.spared_on.clear();
    s.named = s.spared = false;
    s.row = {};
  }
}

void orphan_hunt::names(const data_id& id, const std::vector<node_id>& nodes, const row_ref& row) {
  names_ += nodes.size();
  for (auto& n : nodes) named_.add(id, n.name);
  auto found = suspects_.find(id);
  if (found == suspects_.end()) return;
  auto& s = found->second;
  s.named = true;
  s.named_on.insert(nodes.begin(), nodes.end());
  s.row = row;
}

void orphan_hunt::spares(const data_id& id) {
  ++names_;
  named_.add(id, everywhere);
  if (auto found = suspects_.find(id); found != suspects_.end()) found->second.spared = true;
}

void orphan_hunt::spares(const data_id& id, const node_id& node) {
  ++names_;
  named_.add(id, node.name);
  if (auto found = suspects_.find(id); found != suspects_.end()) found->second.spared_on.insert(node);
}

void orphan_hunt::begin_listing() {
  listed_.clear();
  for (auto& [id, s] : suspects_) s.seen_on.clear();
}

void orphan_hunt::gone(const node_id& node) {
  for (auto& [id, s] : suspects_) s.held.erase(node);
}

void orphan_hunt::holds(const node_id& node, const data_id& id, time now) {
  auto found = suspects_.find(id);
  if (found == suspects_.end()) {
    if (named_.may_have(id, node.name) || named_.may_have(id, everywhere)) return;
    if (suspects_.size() >= options_.suspects_max) return;
    found = suspects_.try_emplace(id).first;
  }
  found->second.held.try_emplace(node, now);
  found->second.seen_on.insert(node);
}

void orphan_hunt::listed(const node_id& node) { listed_.insert(node); }

void orphan_hunt::judge_named(const data_id& id, suspect& s, time now, verdict& v) const {
  stray found{.id = id, .nodes = {}, .row = s.row};
  std::erase_if(s.held, [&](auto& h) { return s.named_on.contains(h.first) || s.spared_on.contains(h.first); });
  for (auto& [node, since] : s.held)
    if (s.seen_on.contains(node) && now - since >= options_.grace) found.nodes.push_back(node);
  if (!found.nodes.empty()) v.strays.push_back(std::move(found));
}

void orphan_hunt::judge_unnamed(const data_id& id, suspect& s, time now, verdict& v) const {
  std::erase_if(s.held, [&](auto& h) { return s.spared_on.contains(h.first); });
  if (s.held.empty()) return;
  if (s.condemned) {
    std::vector<node_id> nodes;
    for (auto& [node, since] : s.held)
      if (s.seen_on.contains(node)) nodes.push_back(node);
    if (!nodes.empty()) v.remove.emplace_back(id, std::move(nodes));
    return;
  }
  auto oldest = std::min_element(s.held.begin(), s.held.end(), [](auto& a, auto& b) { return a.second < b.second; });
  if (now - oldest->second >= options_.grace) v.condemn.push_back(id);
}

bool orphan_hunt::judge_one(const data_id& id, suspect& s, time now, verdict& v) const {
  std::erase_if(s.held, [&](auto& h) { return listed_.contains(h.first) && !s.seen_on.contains(h.first); });
  if ((s.named || s.spared) && std::exchange(s.condemned, false)) v.pardon.push_back(id);
  if (s.spared) return false;
  if (s.named)
    judge_named(id, s, now, v);
  else
    judge_unnamed(id, s, now, v);
  return !s.held.empty();
}

orphan_hunt::verdict orphan_hunt::judge(time now) {
  verdict v;
  for (auto i = suspects_.begin(); i != suspects_.end();) {
    auto& [id, s] = *i;
    // What names a fresh one was not looked for: the next walk does.
    bool keep = std::exchange(s.fresh, false) || judge_one(id, s, now, v);
    i = keep ? std::next(i) : suspects_.erase(i);
  }
  return v;
}

void orphan_hunt::in_use(const data_id& id, time now) {
  if (auto found = suspects_.find(id); found != suspects_.end())
    for (auto& [node, since] : found->second.held) since = now;
}

void orphan_hunt::condemned(const data_id& id) {
  if (auto found = suspects_.find(id); found != suspects_.end()) found->second.condemned = true;
}

void orphan_hunt::removed(const data_id& id) { suspects_.erase(id); }

std::size_t orphan_hunt::condemned() const {
  return static_cast<std::size_t>(
    std::count_if(suspects_.begin(), suspects_.end(), [](auto& s) { return s.second.condemned; }));
}

} // namespace troupe
