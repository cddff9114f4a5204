#include "core/relocation.hpp"

#include "core/extent_codec.hpp"
#include "core/placement.hpp"
#include "core/stripe_rebuild.hpp"

#include <algorithm>
#include <bit>
#include <map>
#include <optional>
#include <set>

namespace troupe {
namespace {

// Nodes without a zone are one zone each, as on the ring.
using zone_key = std::pair<bool, std::string>;

zone_key zone_of(const cluster_map& map, const node_id& id) {
  auto* n = map.find(id);
  return n == nullptr || n->zone.empty() ? zone_key{true, id.name} : zone_key{false, n->zone};
}

bool in_state(const cluster_map& map, const node_id& id, node_state state) {
  auto* n = map.find(id);
  return n != nullptr && n->state == state;
}

template <class T>
bool contains(const std::vector<T>& all, const T& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

class run_planner {
public:
  run_planner(const stripe_layout& layout, const data_id& id, relocation_goal goal, const relocation_view& view)
      : layout_(layout), id_(id), goal_(goal), view_(view), pieces_(layout.geometry().k + layout.geometry().m) {
    if (goal == relocation_goal::balance) ideal_ = candidates(view.places, id, pieces_);
  }

  // The nodes of the run afterwards.
  std::vector<node_id> plan(const stripe_run& run, std::uint32_t empty_pieces, relocation& out) {
    run_ = &run;
    out_ = &out;
    is_ = run.nodes;
    taken_.clear();
    taken_.insert(run.nodes.begin(), run.nodes.end());
    sort_out(empty_pieces);
    zones_.clear();
    for (auto piece : staying_) ++zones_[zone_of(view_.map, run.nodes[piece])];
    for (auto piece : lost_) leave(piece, piece_move::source::rebuild);
    for (auto piece : draining_)
      leave(piece, view_.reachable(run.nodes[piece]) ? piece_move::source::copy : piece_move::source::rebuild);
    for (auto piece : doubled_) leave(piece, piece_move::source::copy);
    if (goal_ == relocation_goal::balance) balance();
    return std::move(is_);
  }

private:
  void sort_out(std::uint32_t empty_pieces) {
    lost_.clear();
    draining_.clear();
    doubled_.clear();
    staying_.clear();
    std::set<node_id> met;
    std::uint32_t readable = empty_pieces;
    for (std::uint32_t piece = 0; piece < pieces_; ++piece) {
      const auto& node = run_->nodes[piece];
      bool there = view_.map.serves(node);
      if (there && view_.reachable(node)) readable |= std::uint32_t{1} << piece;
      if (!there) {
        lost_.push_back(piece);
      } else if (in_state(view_.map, node, node_state::draining)) {
        draining_.push_back(piece);
      } else if (!met.insert(node).second) {
        (view_.reachable(node) ? doubled_ : staying_).push_back(piece);
      } else {
        staying_.push_back(piece);
      }
    }
    decodable_ = static_cast<std::uint32_t>(std::popcount(readable)) >= layout_.geometry().k;
  }

  // All that take data, clockwise; found out only when a piece needs a place.
  const std::vector<node_id>& clockwise() {
    if (!clockwise_) clockwise_ = candidates(view_.places, id_, view_.places.places());
    return *clockwise_;
  }

  bool may_take(const node_id& node) const {
    return taken_.count(node) == 0 && !contains(view_.barred, node) && view_.reachable(node);
  }

  std::size_t in_zone(const zone_key& zone) const {
    auto found = zones_.find(zone);
    return found != zones_.end() ? found->second : 0;
  }

  // The least used zone first, clockwise in it. When the run is balanced anyway, first of all where the ring wants it:
  // else the piece would move again.
  std::optional<node_id> place() {
    std::optional<node_id> best;
    std::size_t least = 0;
    auto look_at = [&](const std::vector<node_id>& nodes) {
      for (const auto& node : nodes) {
        if (!may_take(node)) continue;
        auto used = in_zone(zone_of(view_.map, node));
        if (!best || used < least) {
          best = node;
          least = used;
        }
        if (least == 0) break;
      }
    };
    look_at(ideal_);
    if (!best) look_at(clockwise());
    return best;
  }

  void leave(std::uint32_t piece, piece_move::source how) {
    bool lost = contains(lost_, piece);
    auto bytes = stored_bytes(layout_, run_->first, run_->end, piece);
    if (bytes != 0 && how == piece_move::source::rebuild && !decodable_) {
      stay(piece, stuck_piece::reason::unreadable, lost);
    } else if (auto to = place()) {
      move(piece, *to, how);
    } else {
      stay(piece, stuck_piece::reason::no_place, lost);
    }
  }

  void move(std::uint32_t piece, const node_id& to, piece_move::source how) {
    auto bytes = stored_bytes(layout_, run_->first, run_->end, piece);
    if (bytes != 0)
      out_->moves.push_back({.first_stripe = run_->first,
        .end_stripe = run_->end,
        .piece = piece,
        .from = run_->nodes[piece],
        .to = to,
        .how = how,
        .bytes = bytes});
    is_[piece] = to;
    taken_.insert(to);
    ++zones_[zone_of(view_.map, to)];
  }

  void stay(std::uint32_t piece, stuck_piece::reason why, bool lost) {
    if (stored_bytes(layout_, run_->first, run_->end, piece) == 0) return; // nothing is there
    out_->stuck.push_back({.first_stripe = run_->first,
      .end_stripe = run_->end,
      .piece = piece,
      .node = run_->nodes[piece],
      .why = why,
      .lost = lost});
  }

  // Pieces on nodes that the ring would not choose go to nodes that it would and that have none; never from a zone to one
  // that has as many pieces: with only some nodes reachable, half a move could be worse than none.
  void balance() {
    bool moved = true;
    while (moved) {
      moved = false;
      for (auto piece : staying_) {
        const auto& node = run_->nodes[piece];
        if (is_[piece] != node || contains(ideal_, node)) continue;
        if (!in_state(view_.map, node, node_state::up) || !view_.reachable(node)) continue;
        auto zone = zone_of(view_.map, node);
        auto to = better_place(zone);
        if (!to) continue;
        --zones_[zone];
        move(piece, *to, piece_move::source::copy);
        moved = true;
      }
    }
  }

  std::optional<node_id> better_place(const zone_key& from) const {
    std::optional<node_id> best;
    for (const auto& node : ideal_) {
      if (!may_take(node)) continue;
      auto zone = zone_of(view_.map, node);
      if (zone == from) return node;
      if (!best && in_zone(zone) < in_zone(from)) best = node;
    }
    return best;
  }

  const stripe_layout& layout_;
  const data_id& id_;
  relocation_goal goal_;
  const relocation_view& view_;
  std::uint32_t pieces_;
  std::vector<node_id> ideal_; // where the ring would put the extent; empty when that is not the goal
  std::optional<std::vector<node_id>> clockwise_;
  // Of the run that is planned.
  const stripe_run* run_ = nullptr;
  relocation* out_ = nullptr;
  std::vector<node_id> is_;
  std::set<node_id> taken_; // have a piece of these stripes, or had one: nobody holds two
  std::map<zone_key, std::size_t> zones_;
  std::vector<std::uint32_t> lost_, draining_, doubled_, staying_;
  bool decodable_ = false;
};

} // namespace

result<relocation> relocate(const pb::extent& extent, relocation_goal goal, const relocation_view& view) {
  auto map = map_of(extent);
  if (!map) return map.error();
  relocation out;
  placement_runs placed;
  run_planner planner{map->layout(), map->id(), goal, view};
  for (const auto& run : map->runs()) {
    auto nodes = planner.plan(run, map->empty_pieces(run.first), out);
    if (nodes != run.nodes) out.changed = true;
    placed.add(run.first, nodes);
  }
  out.extent = extent;
  if (!out.changed) return out;
  out.extent.clear_placements();
  for (const auto& run : placed.runs()) {
    auto& p = *out.extent.add_placements();
    p.set_first_stripe(run.first_stripe);
    for (const auto& node : run.nodes) p.add_nodes(node.name);
  }
  return out;
}

} // namespace troupe
