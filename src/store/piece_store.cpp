#include "store/piece_store.hpp"

#include "store/log_format.hpp"

#include <algorithm>

namespace troupe {

using namespace piece_index;

namespace {

constexpr std::size_t erase_batch = 10'000;

std::string name_of(const piece_key& k) {
  return "stripe " + std::to_string(k.stripe) + " piece " + std::to_string(k.piece);
}

std::string name_of(log_position at) {
  return "segment " + std::to_string(at.segment) + " offset " + std::to_string(at.offset);
}

error bad_row(std::string_view what) {
  return fail(ec::corrupt, "index: a row that does not parse: " + std::string{what});
}

// Empties an index whose log is not the one it was made from.
result<> erase_everything(state_base& base) {
  for (;;) {
    auto cursor = base.scan();
    if (!cursor) return cursor.error();
    state_base::changes changes;
    TROUPE_TRY((*cursor)->seek(""));
    while ((*cursor)->valid() && changes.size() < erase_batch) {
      changes.emplace((*cursor)->key(), std::nullopt);
      TROUPE_TRY((*cursor)->next());
    }
    if (changes.empty()) return {};
    cursor->reset();
    TROUPE_TRY(base.apply(changes, ""));
  }
}

} // namespace

space_level level_of(const disk_space& s, const piece_store_options& o) {
  auto below = [&](double part, std::uint64_t bytes) {
    auto of_total = static_cast<std::uint64_t>(static_cast<double>(s.total_bytes) * part);
    return s.free_bytes < std::min(of_total, bytes);
  };
  if (below(o.full_part, o.full_bytes)) return space_level::full;
  return below(o.near_full_part, o.near_full_bytes) ? space_level::near_full : space_level::fine;
}

piece_store::piece_store(disk& d, piece_store_options options, std::shared_ptr<state_base> base)
    : disk_(d), options_(std::move(options)), state_(std::move(base)) {}

result<std::unique_ptr<piece_store>> piece_store::open(
  disk& d, piece_store_options options, std::shared_ptr<state_base> base) {
  auto stored = base->position();
  if (!stored) return stored.error();
  auto from = parse_position(*stored);
  if (from) {
    std::unique_ptr<piece_store> store{new piece_store{d, options, base}};
    TROUPE_TRY(store->load_lives());
    TROUPE_TRY(store->open_log(from));
    // Damage before `from`: the log lost what the index knows. Then only what the log has counts.
    auto before = [&](const log_damage& lost) { return lost.position < *from; };
    if (std::none_of(store->damage().begin(), store->damage().end(), before)) return store;
  }
  TROUPE_TRY(erase_everything(*base));
  std::unique_ptr<piece_store> store{new piece_store{d, std::move(options), std::move(base)}};
  TROUPE_TRY(store->open_log({}));
  store->rebuilt_ = true;
  return store;
}

result<> piece_store::open_log(std::optional<log_position> from) {
  checkpointed_ = from.value_or(log_position{});
  log_options o;
  o.directory = options_.directory;
  o.segment_bytes = options_.segment_bytes;
  o.direct = true;
  o.skip_damage = true; // the pieces in it are lost; erasure coding is for that
  auto opened = log::open(disk_, o, checkpointed_, [this](const log_entry_view& e) { return replay(e); });
  if (!opened) return opened.error();
  log_ = std::move(*opened);
  look_at_space(options_.segment_bytes);
  return {};
}

result<> piece_store::each_row(std::string_view from, std::string_view prefix, const on_row& on) const {
  auto cursor = state_.scan();
  if (!cursor) return cursor.error();
  auto& c = **cursor;
  TROUPE_TRY(c.seek(from));
  while (c.valid() && c.key().starts_with(prefix)) {
    auto more = on(c.key(), c.value());
    if (!more) return more.error();
    if (!*more) break;
    TROUPE_TRY(c.next());
  }
  return {};
}

result<> piece_store::load_lives() {
  return each_row(all_lives(), all_lives(), [&](std::string_view key, std::string_view value) -> result<bool> {
    auto segment = parse_life_row(key);
    auto life = parse_life(value);
    if (!segment || !life) return bad_row("segment life");
    lives_[*segment] = *life;
    return true;
  });
}

result<> piece_store::replay(const log_entry_view& e) {
  // A rebuild of a big volume must not hold its whole index in memory.
  if (state_.overlay_bytes() > options_.overlay_bytes_max) {
    freeze_lives();
    auto outcome = state_.begin_checkpoint(encode(e.position))();
    state_.end_checkpoint(outcome);
    TROUPE_TRY(outcome);
    checkpointed_ = e.position;
    replay_bytes_ = 0;
  }
  replay_bytes_ += log_format::record_bytes(e.payload_bytes);
  auto& r = e.record;
  switch (r.type) {
  case piece_record:
    if (r.n2 > piece_max) return fail(ec::corrupt, "log: a piece number out of range in " + name_of(e.position));
    return place_piece(piece_row({r.id, r.n1, static_cast<std::uint32_t>(r.n2)}), e.position, e.payload_bytes);
  case tombstone_record: {
    auto places = places_of(r.id);
    if (!places) return places.error();
    // Newer ones came after the removal: compaction may have moved the tombstone behind them.
    for (auto& [row, place] : *places)
      if (place.at.segment <= r.n2) forget(row, place);
    keep_tombstone(e.position, {r.id, r.n1, r.n2});
    return {};
  }
  default:
    return fail(
      ec::incompatible, "log: a record of unknown type " + std::to_string(r.type) + " in " + name_of(e.position));
  }
}

segment_life& piece_store::life_of(std::uint64_t segment) {
  life_changed_.insert(segment);
  return lives_[segment];
}

result<> piece_store::place_piece(const std::string& row, log_position at, std::uint32_t bytes) {
  auto stored = state_.get(row);
  if (!stored) return stored.error();
  place now{.at = at, .bytes = bytes, .oldest = at.segment};
  if (*stored) {
    auto before = parse_place(**stored);
    if (!before) return bad_row("place");
    now.oldest = std::min(now.oldest, before->oldest);
    forget(row, *before);
  }
  auto& life = life_of(at.segment);
  life.live_bytes += log_format::record_bytes(bytes);
  ++life.pieces;
  state_.put(row, encode(now));
  state_.put(occupant_row(at), row);
  return {};
}

void piece_store::forget(const std::string& row, const place& p) {
  auto& life = life_of(p.at.segment);
  life.live_bytes -= std::min(life.live_bytes, log_format::record_bytes(p.bytes));
  life.pieces -= std::min<std::uint64_t>(life.pieces, 1);
  state_.erase(row);
  state_.erase(occupant_row(p.at));
}

result<std::vector<std::pair<std::string, place>>> piece_store::places_of(const data_id& id) const {
  std::vector<std::pair<std::string, place>> out;
  auto prefix = pieces_of(id);
  TROUPE_TRY(each_row(prefix, prefix, [&](std::string_view key, std::string_view value) -> result<bool> {
    auto p = parse_place(value);
    if (!p) return bad_row("place");
    out.emplace_back(key, *p);
    return true;
  }));
  return out;
}

void piece_store::keep_tombstone(log_position at, const tombstone& t) {
  auto row = tombstone_row(at);
  ++life_of(at.segment).tombstones;
  state_.put(std::move(row), encode(t));
}

void piece_store::drop_tombstone(log_position at) {
  auto& life = life_of(at.segment);
  life.tombstones -= std::min<std::uint64_t>(life.tombstones, 1);
  state_.erase(tombstone_row(at));
}

void piece_store::poison(const error& e) {
  if (poisoned_.empty()) poisoned_ = e.message.empty() ? std::string{to_string(e.code)} : e.message;
}

void piece_store::look_at_space(std::uint64_t appended) {
  appended_since_look_ += appended;
  // Often enough that several nodes on one small disk do not eat the reserve that removals and compaction need.
  constexpr std::uint64_t step_max = std::uint64_t{1} << 20;
  if (space_ != space_level::full && appended_since_look_ < std::min(options_.segment_bytes / 8, step_max)) return;
  appended_since_look_ = 0;
  if (auto s = disk_.space()) space_ = level_of(*s, options_); // else: as it was; a write will tell
}

std::string piece_store::refusal() const {
  if (!poisoned_.empty()) return poisoned_;
  return space_ == space_level::full ? "the volume is full" : "";
}

result<> piece_store::append(const piece_key& k, bytes_view bytes) {
  if (!poisoned_.empty()) return fail(ec::closed, "the shard is read-only: " + poisoned_);
  if (k.piece > piece_max) return fail(ec::bad_argument, "piece number out of range: " + std::to_string(k.piece));
  if (bytes.size() > piece_bytes_max)
    return fail(ec::too_large,
      "a piece of " + std::to_string(bytes.size()) + " bytes; at most " + std::to_string(piece_bytes_max));
  look_at_space(bytes.size());
  if (space_ == space_level::full) return fail(ec::no_space, "the volume is full");
  auto at = log_->append({.type = piece_record, .id = k.id, .n1 = k.stripe, .n2 = k.piece}, std::span{&bytes, 1});
  if (!at) {
    if (at.error().code == ec::no_space) {
      space_ = space_level::full;
    } else {
      poison(at.error());
    }
    return at.error();
  }
  replay_bytes_ += log_format::record_bytes(bytes.size());
  return place_piece(piece_row(k), *at, static_cast<std::uint32_t>(bytes.size()));
}

result<chunk> piece_store::read(const piece_key& k) const {
  if (k.piece > piece_max) return fail(ec::bad_argument, "piece number out of range: " + std::to_string(k.piece));
  auto stored = state_.get(piece_row(k));
  if (!stored) return stored.error();
  if (!*stored) return fail(ec::not_found, "no such piece: " + name_of(k));
  auto p = parse_place(**stored);
  if (!p) return bad_row("place");
  auto got = log_->read(p->at);
  if (!got) return got.error();
  auto& [record, payload] = *got;
  bool same = record.type == piece_record && record.id == k.id && record.n1 == k.stripe && record.n2 == k.piece;
  if (!same || payload.size() != p->bytes)
    return fail(ec::corrupt, name_of(p->at) + " holds another record than the index says: " + name_of(k));
  return std::move(payload);
}

result<bool> piece_store::has(const piece_key& k) const {
  auto stored = state_.get(piece_row(k));
  if (!stored) return stored.error();
  return stored->has_value();
}

result<> piece_store::remove(const data_id& id) {
  auto places = places_of(id);
  if (!places) return places.error();
  if (places->empty()) return {};
  if (!poisoned_.empty()) return fail(ec::closed, "the shard is read-only: " + poisoned_);
  tombstone t{.id = id, .oldest = ~std::uint64_t{0}, .newest = 0};
  for (auto& [row, place] : *places) {
    t.oldest = std::min(t.oldest, place.oldest);
    t.newest = std::max(t.newest, place.at.segment);
  }
  auto at = log_->append({.type = tombstone_record, .id = id, .n1 = t.oldest, .n2 = t.newest}, {});
  if (!at) {
    if (at.error().code != ec::no_space) poison(at.error());
    return at.error();
  }
  replay_bytes_ += log_format::record_bytes(0);
  for (auto& [row, place] : *places) forget(row, place);
  keep_tombstone(*at, t);
  return {};
}

void piece_store::synced(const log_sync& ticket, const result<>& outcome) {
  log_->synced(ticket, outcome);
  if (!outcome) poison(outcome.error());
}

bool piece_store::checkpoint_due() const {
  if (state_.checkpointing() || !poisoned_.empty()) return false;
  return state_.overlay_bytes() > options_.overlay_bytes_max || replay_bytes_ > options_.replay_bytes_max ||
    victim_waits_for_checkpoint_;
}

void piece_store::freeze_lives() {
  for (auto segment : life_changed_) {
    auto life = lives_.find(segment);
    if (life == lives_.end() || life->second == segment_life{}) {
      state_.erase(life_row(segment));
    } else {
      state_.put(life_row(segment), encode(life->second));
    }
  }
  life_changed_.clear();
}

std::function<result<>()> piece_store::begin_checkpoint() {
  freeze_lives();
  victim_waits_for_checkpoint_ = false;
  checkpointing_ = log_->end();
  checkpointing_replay_bytes_ = replay_bytes_;
  return state_.begin_checkpoint(encode(checkpointing_));
}

void piece_store::end_checkpoint(const result<>& outcome) {
  state_.end_checkpoint(outcome);
  if (!outcome) return;
  checkpointed_ = checkpointing_;
  replay_bytes_ -= checkpointing_replay_bytes_;
}

piece_store::counters piece_store::count() const {
  counters c;
  for (auto& [segment, life] : lives_) {
    c.pieces += life.pieces;
    c.live_bytes += life.live_bytes;
  }
  for (auto& s : log_->segments()) {
    c.log_bytes += s.bytes;
    ++c.log_segments;
  }
  return c;
}

} // namespace troupe
