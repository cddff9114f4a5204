#include "core/write_plan.hpp"

#include <algorithm>

namespace troupe {

result<> check_start(const stripe_geometry& g, durability wanted, std::size_t nodes) {
  if (wanted == durability::first && g.k != 1)
    return fail(ec::bad_argument, "one piece of content that is erasure-coded is nothing to acknowledge");
  const auto needed = pieces_needed(g.k, g.m, wanted);
  if (nodes >= needed) return {};
  return fail(ec::unavailable,
    "content of " + std::to_string(g.k) + "+" + std::to_string(g.m) + " pieces needs " + std::to_string(needed) +
      " nodes; there are " + std::to_string(nodes));
}

write_plan::write_plan(stripe_layout layout, std::vector<node_id> candidates, durability wanted)
    : layout_(layout),
      pieces_(layout.geometry().k + layout.geometry().m),
      quorum_(pieces_needed(layout.geometry().k, layout.geometry().m, wanted)),
      candidates_(std::move(candidates)),
      nodes_(candidates_.size()),
      places_(pieces_),
      next_spare_(std::min<std::size_t>(pieces_, candidates_.size())) {
  for (std::size_t i = 0; i < next_spare_; ++i) places_[i] = i;
}

write_plan::open_stripe* write_plan::open_at(std::uint64_t stripe) {
  return stripe >= first_open_ && stripe - first_open_ < open_.size() ? &open_[stripe - first_open_] : nullptr;
}

const write_plan::open_stripe* write_plan::open_at(std::uint64_t stripe) const {
  return const_cast<write_plan*>(this)->open_at(stripe);
}

bool write_plan::is_empty(std::uint64_t stripe, std::uint32_t piece) const {
  return piece < layout_.geometry().k && layout_.data_bytes(stripe, piece) == 0;
}

void write_plan::begin_stripe() {
  auto stripe = first_open_ + open_.size();
  auto& s = open_.emplace_back(stripe_quorum{pieces_, quorum_});
  s.places.resize(pieces_);
  for (std::uint32_t i = 0; i < pieces_; ++i) {
    s.places[i] = places_[i].value_or(i % std::max<std::size_t>(candidates_.size(), 1));
    if (is_empty(stripe, i)) s.quorum.acknowledged(i);
  }
}

// A place that failed moves to the next spare for good. Nothing: no spare is left.
std::optional<std::size_t> write_plan::place_for(std::uint32_t piece) {
  if (places_[piece] && !nodes_[*places_[piece]].failed) return places_[piece];
  while (next_spare_ < candidates_.size()) {
    auto spare = next_spare_++;
    if (nodes_[spare].failed) continue;
    places_[piece] = spare;
    return spare;
  }
  return {};
}

void write_plan::route(std::uint64_t stripe, std::uint32_t piece, sends& out) {
  auto* s = open_at(stripe);
  if (auto place = place_for(piece)) {
    s->places[piece] = *place;
    s->on_way |= std::uint32_t{1} << piece;
    nodes_[*place].sent = true;
    out.push_back({stripe, piece, *place});
    return;
  }
  s->on_way &= ~(std::uint32_t{1} << piece);
  if (s->quorum.failed(piece) == stripe_quorum::state::impossible) note_impossible(stripe);
}

write_plan::sends write_plan::place(std::uint64_t stripe, std::uint32_t piece) {
  sends out;
  if (open_at(stripe) == nullptr || is_empty(stripe, piece)) return out;
  route(stripe, piece, out);
  retire_settled();
  return out;
}

bool write_plan::on_its_way(const send& what) const {
  auto* s = open_at(what.stripe);
  return s != nullptr && (s->on_way >> what.piece & 1) != 0 && s->places[what.piece] == what.candidate;
}

bool write_plan::waits_for(std::uint64_t stripe, std::size_t candidate) const {
  for (std::uint32_t piece = 0; piece < pieces_; ++piece)
    if (on_its_way({stripe, piece, candidate})) return true;
  return false;
}

void write_plan::acknowledged(const send& what) {
  if (!on_its_way(what)) return;
  auto* s = open_at(what.stripe);
  s->on_way &= ~(std::uint32_t{1} << what.piece);
  s->quorum.acknowledged(what.piece);
  nodes_[what.candidate].acknowledged = true;
  retire_settled();
}

write_plan::sends write_plan::failed(const send& what, const std::string& why) {
  if (!on_its_way(what)) return {};
  return node_failed(what.candidate, why);
}

write_plan::sends write_plan::node_failed(std::size_t candidate, const std::string& why) {
  sends out;
  nodes_[candidate].failed = true;
  if (nodes_[candidate].why.empty()) nodes_[candidate].why = why;
  for (std::size_t i = 0; i < open_.size(); ++i)
    for (std::uint32_t piece = 0; piece < pieces_; ++piece)
      if (on_its_way({first_open_ + i, piece, candidate})) route(first_open_ + i, piece, out);
  retire_settled();
  return out;
}

write_plan::sends write_plan::give_up_slow(std::uint64_t stripe) {
  sends out;
  if (!has_quorum(stripe)) return out;
  for (std::uint32_t piece = 0; piece < pieces_; ++piece) {
    auto* s = open_at(stripe); // failing a node may settle the stripe
    if (s == nullptr) break;
    // A spare that was asked just now keeps its chance: the caller comes back after another grace.
    bool just_sent = std::find(out.begin(), out.end(), send{stripe, piece, s->places[piece]}) != out.end();
    if ((s->on_way >> piece & 1) == 0 || just_sent) continue;
    auto more = node_failed(s->places[piece], "too slow");
    out.insert(out.end(), more.begin(), more.end());
  }
  return out;
}

bool write_plan::has_quorum(std::uint64_t stripe) const {
  auto* s = open_at(stripe);
  return s == nullptr ? stripe < first_open_ : s->quorum.now() == stripe_quorum::state::acknowledged;
}

bool write_plan::settled(std::uint64_t stripe) const {
  auto* s = open_at(stripe);
  return s == nullptr ? stripe < first_open_ : s->quorum.settled();
}

void write_plan::retire_settled() {
  while (!open_.empty() && open_.front().quorum.settled()) {
    auto& s = open_.front();
    for (std::uint32_t piece = 0; piece < pieces_; ++piece)
      if (s.quorum.lost(piece)) lost_.push_back({first_open_, piece});
    if (runs_.empty() || runs_.back().places != s.places) runs_.push_back({first_open_, std::move(s.places)});
    open_.pop_front();
    ++first_open_;
  }
}

std::string write_plan::failures() const {
  std::string out;
  for (std::size_t i = 0; i < nodes_.size(); ++i)
    if (nodes_[i].failed) out += (out.empty() ? ": " : "; ") + candidates_[i].name + ": " + nodes_[i].why;
  return out;
}

void write_plan::note_impossible(std::uint64_t stripe) {
  if (impossible_) return;
  impossible_ = fail(ec::unavailable,
    "stripe " + std::to_string(stripe) + " can not reach its write quorum of " + std::to_string(quorum_) + " of " +
      std::to_string(pieces_) + " pieces" + failures());
}

result<write_plan::outcome> write_plan::finish(const std::vector<bool>& synced) const {
  if (impossible_) return *impossible_;
  outcome out;
  auto name_of = [&](std::size_t candidate) {
    return candidate < candidates_.size() ? candidates_[candidate] : node_id{};
  };
  for (auto& r : runs_) {
    placement_run named{r.first_stripe, {}};
    for (auto place : r.places) named.nodes.push_back(name_of(place));
    out.placements.push_back(std::move(named));
  }
  std::size_t at = 0;
  auto lost = lost_.begin();
  for (std::uint64_t stripe = 0; stripe < first_open_; ++stripe) {
    while (at + 1 < runs_.size() && runs_[at + 1].first_stripe <= stripe) ++at;
    auto& places = runs_[at].places;
    std::uint32_t there = 0;
    for (std::uint32_t piece = 0; piece < pieces_; ++piece) {
      bool is_lost = lost != lost_.end() && *lost == lost_piece{stripe, piece};
      if (is_lost) ++lost;
      bool empty = is_empty(stripe, piece);
      if (empty || (!is_lost && places[piece] < synced.size() && synced[places[piece]])) {
        ++there;
      } else {
        out.missing.push_back({stripe, piece, name_of(places[piece])});
      }
    }
    if (there < quorum_)
      return fail(ec::unavailable,
        "stripe " + std::to_string(stripe) + ": only " + std::to_string(there) + " of " + std::to_string(pieces_) +
          " pieces are on disk, " + std::to_string(quorum_) + " are needed" + failures());
  }
  return out;
}

} // namespace troupe
