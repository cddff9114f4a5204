// piece_compaction: the part of piece_store that gives space back.
// A segment goes in this order: its live pieces and the tombstones that are still needed are appended again; that is
// synced; it is unlinked. Only segments wholly before the index's checkpoint are touched: the index on disk never
// points into a segment that is gone for a piece that lives, because the replay behind the checkpoint repoints it.
#include "store/log_format.hpp"
#include "store/piece_store.hpp"

#include <algorithm>

namespace troupe {

using namespace piece_index;

namespace {

constexpr double life_min_near_full = 0.9;
constexpr std::uint64_t active_bytes_min = std::uint64_t{4} << 20; // a smaller active segment is left alone
constexpr std::size_t tombstones_per_sweep = 1000;

bool needed(const tombstone& t, const std::set<std::uint64_t>& segments) {
  auto i = segments.lower_bound(t.oldest);
  return i != segments.end() && *i <= t.newest;
}

} // namespace

std::set<std::uint64_t> piece_store::segment_numbers() const {
  std::set<std::uint64_t> out;
  for (auto& s : log_->segments()) out.insert(s.number);
  return out;
}

result<piece_store::compaction> piece_store::compact(std::uint64_t bytes, std::chrono::milliseconds now) {
  if (!poisoned_.empty()) return compaction::idle;
  TROUPE_TRY(release_segments());
  if (!victim_ && !choose_victim(now)) {
    if (active_wastes_space()) {
      if (auto closed = log_->rotate(); closed)
        return compaction::more;
      else if (closed.error().code != ec::no_space)
        return closed.error();
    }
    if (sweep_due_) {
      TROUPE_TRY(sweep_tombstones());
      return compaction::more;
    }
    return emptied_.empty() ? compaction::idle : compaction::wants_sync;
  }
  auto done = copy_pieces(bytes, now);
  if (!done) return done.error();
  if (!*done) return compaction::more;
  TROUPE_TRY(copy_tombstones());
  emptied_.push_back({*victim_, log_->end()});
  victim_.reset();
  return compaction::wants_sync;
}

// A small disk can be full of garbage before its active segment is: then it is closed early, to be compacted.
bool piece_store::active_wastes_space() const {
  if (space_ == space_level::fine) return false;
  auto segments = log_->segments();
  if (segments.empty() || segments.back().bytes < active_bytes_min) return false;
  auto life = lives_.find(segments.back().number);
  auto live = life == lives_.end() ? 0 : life->second.live_bytes;
  return static_cast<double>(live) < options_.life_min * static_cast<double>(segments.back().bytes);
}

bool piece_store::choose_victim(std::chrono::milliseconds now) {
  auto threshold = space_ == space_level::fine ? options_.life_min : std::max(options_.life_min, life_min_near_full);
  auto lowest = threshold;
  victim_waits_for_checkpoint_ = false;
  auto segments = log_->segments();
  if (!segments.empty()) segments.pop_back(); // the active one
  for (auto& s : segments) {
    auto waits = [&](const emptied_segment& e) { return e.number == s.number; };
    auto failed = unreadable_.find(s.number);
    bool rests = failed != unreadable_.end() && now < failed->second.at;
    if (rests || std::any_of(emptied_.begin(), emptied_.end(), waits)) continue;
    std::uint64_t live = 0;
    if (auto life = lives_.find(s.number); life != lives_.end())
      live = life->second.live_bytes + life->second.tombstones * log_format::record_bytes(0);
    auto part = static_cast<double>(live) / static_cast<double>(std::max<std::uint64_t>(s.bytes, 1));
    if (part >= lowest) continue;
    if (s.number >= checkpointed_.segment) {
      victim_waits_for_checkpoint_ = true;
      continue;
    }
    lowest = part;
    victim_ = s.number;
  }
  return victim_.has_value();
}

// The disk may read it the next time, and until then somebody may write the piece anew, or remove it.
void piece_store::give_up_victim(const piece_key& piece, const error& why, std::chrono::milliseconds now) {
  auto& r = unreadable_[*victim_];
  r.pause = std::clamp(2 * r.pause, retry_min, retry_max);
  r.at = now + r.pause;
  unreadable_piece_ = {piece, why};
  victim_.reset();
}

result<bool> piece_store::copy_pieces(std::uint64_t bytes, std::chrono::milliseconds now) {
  std::vector<std::string> batch; // piece rows; the copying changes what is walked here
  std::uint64_t planned = 0;
  auto prefix = occupants_of(*victim_);
  TROUPE_TRY(each_row(prefix, prefix, [&](std::string_view, std::string_view row) -> result<bool> {
    auto stored = state_.get(row);
    if (!stored) return stored.error();
    auto p = *stored ? parse_place(**stored) : std::nullopt;
    if (!p || !parse_piece_row(row)) return fail(ec::corrupt, "index: an occupant row without its piece");
    batch.emplace_back(row);
    planned += log_format::record_bytes(p->bytes);
    return planned < bytes;
  }));
  for (auto& row : batch) {
    auto key = *parse_piece_row(row);
    auto payload = read(key);
    if (!payload) {
      give_up_victim(key, payload.error(), now);
      return payload.error();
    }
    bytes_view view = *payload;
    auto copy =
      log_->append({.type = piece_record, .id = key.id, .n1 = key.stripe, .n2 = key.piece}, std::span{&view, 1});
    if (!copy) {
      if (copy.error().code != ec::no_space) poison(copy.error());
      return copy.error();
    }
    replay_bytes_ += log_format::record_bytes(payload->size());
    TROUPE_TRY(place_piece(row, *copy, static_cast<std::uint32_t>(payload->size())));
  }
  return batch.empty();
}

result<> piece_store::copy_tombstones() {
  std::vector<std::pair<log_position, tombstone>> all;
  auto prefix = tombstones_of(*victim_);
  TROUPE_TRY(each_row(prefix, prefix, [&](std::string_view key, std::string_view value) -> result<bool> {
    auto at = parse_position_row(key);
    auto t = parse_tombstone(value);
    if (!at || !t) return fail(ec::corrupt, "index: a tombstone row that does not parse");
    all.emplace_back(*at, *t);
    return true;
  }));
  auto others = segment_numbers();
  others.erase(*victim_);
  for (auto& [at, t] : all) {
    if (needed(t, others)) {
      auto copy = log_->append({.type = tombstone_record, .id = t.id, .n1 = t.oldest, .n2 = t.newest}, {});
      if (!copy) {
        if (copy.error().code != ec::no_space) poison(copy.error());
        return copy.error();
      }
      replay_bytes_ += log_format::record_bytes(0);
      keep_tombstone(*copy, t);
    }
    drop_tombstone(at);
  }
  return {};
}

// Tombstones whose segments are all gone are dead weight: letting go of them lets their own segments go.
result<> piece_store::sweep_tombstones() {
  std::vector<log_position> needless;
  auto prefix = tombstone_row({}).substr(0, 1);
  auto from = sweep_after_.empty() ? prefix : sweep_after_ + '\0';
  auto segments = segment_numbers();
  std::size_t seen = 0;
  TROUPE_TRY(each_row(from, prefix, [&](std::string_view key, std::string_view value) -> result<bool> {
    auto at = parse_position_row(key);
    auto t = parse_tombstone(value);
    if (!at || !t) return fail(ec::corrupt, "index: a tombstone row that does not parse");
    if (!needed(*t, segments)) needless.push_back(*at);
    sweep_after_ = key;
    return ++seen < tombstones_per_sweep;
  }));
  if (seen < tombstones_per_sweep) {
    sweep_due_ = false;
    sweep_after_.clear();
  }
  for (auto at : needless) drop_tombstone(at);
  return {};
}

result<> piece_store::release_segments() {
  while (!emptied_.empty() && emptied_.front().safe <= log_->durable()) {
    auto number = emptied_.front().number;
    if (auto life = lives_.find(number);
        life != lives_.end() && (life->second.pieces != 0 || life->second.tombstones != 0))
      return fail(ec::internal, "compaction: segment " + std::to_string(number) + " is not empty");
    TROUPE_TRY(log_->remove_segment(number));
    emptied_.pop_front();
    lives_.erase(number);
    unreadable_.erase(number);
    life_changed_.insert(number);
    sweep_due_ = true;
    sweep_after_.clear();
  }
  return {};
}

result<> piece_store::check() const {
  std::map<std::uint64_t, segment_life> counted;
  std::uint64_t occupants = 0, pieces = 0;
  TROUPE_TRY(each_row("", "", [&](std::string_view key, std::string_view value) -> result<bool> {
    if (parse_piece_row(key)) {
      auto p = parse_place(value);
      if (!p) return fail(ec::internal, "index: a piece row that does not parse");
      auto back = state_.get(occupant_row(p->at));
      if (!back) return back.error();
      if (*back != std::string{key}) return fail(ec::internal, "index: a piece without its occupant row");
      auto& life = counted[p->at.segment];
      life.live_bytes += log_format::record_bytes(p->bytes);
      ++life.pieces;
      ++pieces;
    } else if (auto at = parse_position_row(key)) {
      if (key[0] == occupant_row({})[0]) {
        ++occupants;
      } else {
        ++counted[at->segment].tombstones;
      }
    } else if (!parse_life_row(key)) {
      return fail(ec::internal, "index: a row of no known kind");
    }
    return true;
  }));
  if (occupants != pieces) return fail(ec::internal, "index: an occupant row without its piece");
  for (auto& [segment, life] : lives_)
    if (life != segment_life{} && counted[segment] != life)
      return fail(ec::internal, "index: the life of segment " + std::to_string(segment) + " is miscounted");
  for (auto& [segment, life] : counted)
    if (auto i = lives_.find(segment); life != segment_life{} && (i == lives_.end() || i->second != life))
      return fail(ec::internal, "index: the life of segment " + std::to_string(segment) + " is not counted");
  return {};
}

} // namespace troupe
