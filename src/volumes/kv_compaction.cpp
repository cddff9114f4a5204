// kv_compaction: the part of kv_shard that gives space back (docs/decisions/0015).
// A closed segment goes in this order: what lives of it, and the tombstones that older files still need, are appended again
// with this primary's token; that is synced; the file is removed. A crash in between leaves entries twice, never not at all.
// Who has the volume's next token has renamed the log's directory: a late removal finds no file.
#include "store/disk.hpp"
#include "store/log_format.hpp"
#include "volumes/kv_shard.hpp"

#include <algorithm>
#include <string_view>
#include <unordered_set>

namespace troupe {
namespace {

constexpr double dead_share_near_full = 0.1;
constexpr int entries_max = 1000;                    // of a record
constexpr std::size_t tombstones_at_a_time = 10'000; // that are looked at under the index' lock

} // namespace

// Entries of the victim that lived when they were read, and how far it was read.
struct kv_shard::found {
  struct source {
    log_position record;
    std::uint32_t entry = 0;
  };
  pb::kv_batch batch;
  std::vector<source> sources; // of the batch's entries
  std::uint64_t offset = 0, read_bytes = 0;
};

result<kv_compacted> kv_shard::compact(const kv_compaction& how) {
  std::lock_guard turn{compacting_};
  if (!victim_) {
    auto chosen = choose_victim(how);
    if (!chosen) return std::move(chosen).error();
    if (!*chosen) return kv_compacted{};
  }
  if (victim_->offset >= victim_->bytes) return remove_victim();
  auto got = read_victim(how.step_bytes);
  if (!got) return give_up_victim(std::move(got).error());
  auto written = write_again(*got);
  if (!written) return std::move(written).error(); // the same again the next time
  victim_->offset = got->offset;
  return kv_compacted{.more = true, .moved_bytes = got->read_bytes + *written, .written_bytes = *written};
}

// The segment with the largest dead share, of those that have enough. The log's last one is never removed: its number says
// which ones were used.
result<bool> kv_shard::choose_victim(const kv_compaction& how) {
  locked lock{mutex_};
  TROUPE_TRY(may_write());
  auto segments = log_->segments();
  if (segments.empty()) return false;
  const auto last = segments.back().number;
  segments.pop_back();
  const auto full = options_.limits.shard_bytes_max;
  auto most = bytes_ > full - full / 8 ? std::min(how.dead_share, dead_share_near_full) : how.dead_share;
  const auto rests = [&](std::uint64_t n) { return unreadable_.contains(n) || index_.has_unknown_records(n); };
  {
    std::shared_lock index{index_mutex_};
    for (const auto& s : segments) {
      if (rests(s.number) || s.bytes <= log_format::header_bytes) continue;
      const auto bytes = s.bytes - log_format::header_bytes; // without the log's own record
      const auto dead = bytes - std::min(bytes, index_.live_bytes(s.number));
      const auto share = static_cast<double>(dead) / static_cast<double>(bytes);
      if (share < most) continue;
      most = share;
      victim_ = {.number = s.number, .bytes = s.bytes, .offset = log_format::header_bytes};
    }
    // Without what stands before them, records of a lower token would count: the last segment of those goes first.
    const auto refused = index_.last_refused();
    if (!victim_ || refused <= victim_->number) return victim_.has_value();
    victim_.reset();
    if (rests(refused)) return false;
    auto s = std::ranges::find(segments, refused, &log_segment_info::number);
    if (s != segments.end()) {
      victim_ = {.number = s->number, .bytes = s->bytes, .offset = log_format::header_bytes};
      return true;
    }
    if (refused != last) return false;
  }
  TROUPE_TRY(rotate(lock)); // it is closed the next time
  return false;
}

kv_index::segments kv_shard::others() const {
  kv_index::segments out;
  for (const auto& s : log_->segments())
    if (s.number != victim_->number) out.insert(s.number);
  return out;
}

// Without a lock on writers: a closed segment does not change.
result<kv_shard::found> kv_shard::read_victim(std::size_t bytes) {
  found out;
  out.offset = victim_->offset;
  std::uint64_t alive_bytes = 0;
  {
    std::shared_lock index{index_mutex_};
    if (index_.live_bytes(victim_->number) == 0) out.offset = victim_->bytes; // nothing to look for
  }
  while (out.offset < victim_->bytes && out.read_bytes < bytes && alive_bytes < bytes &&
    out.batch.entries_size() < entries_max) {
    const log_position at{victim_->number, out.offset};
    auto record = log_->read(at);
    if (!record) return std::move(record).error();
    const auto& payload = record->second;
    const auto size = log_format::record_bytes(payload.size());
    out.offset += size;
    out.read_bytes += size;
    pb::kv_batch batch;
    if (record->first.type != kv_batch_record ||
      !batch.ParseFromArray(payload.data(), static_cast<int>(payload.size())))
      return fail(ec::corrupt,
        options_.directory + ", segment " + std::to_string(at.segment) + ", offset " + std::to_string(at.offset) +
          ": no batch of keys and values");
    std::shared_lock index{index_mutex_};
    for (int i = 0; i < batch.entries_size(); ++i) {
      auto& e = *batch.mutable_entries(i);
      const auto n = static_cast<std::uint32_t>(i);
      if (index_.life_of(e.key(), at, n) == kv_index::life::dead) continue;
      alive_bytes += e.key().size() + e.value().size();
      out.batch.add_entries()->Swap(&e);
      out.sources.push_back({at, n});
    }
  }
  return out;
}

// What still lives now is appended. How many bytes.
result<std::uint64_t> kv_shard::write_again(found& got) {
  if (got.sources.empty()) return std::uint64_t{0};
  locked lock{mutex_};
  TROUPE_TRY(may_write());
  std::unordered_set<std::string_view> coming; // keys of writes that stand before this one in the log, and win
  for (const auto& w : waiting_)
    for (const auto& e : w.batch.entries()) coming.insert(e.key());
  const auto there = others();
  pb::kv_batch batch;
  {
    std::unique_lock index{index_mutex_};
    for (int i = 0; i < got.batch.entries_size(); ++i) {
      auto& e = *got.batch.mutable_entries(i);
      const auto& from = got.sources[static_cast<std::size_t>(i)];
      const auto life = index_.life_of(e.key(), from.record, from.entry);
      if (life == kv_index::life::dead || coming.contains(e.key())) continue;
      if (life == kv_index::life::tombstone && !index_.needs_tombstone(e.key(), there)) {
        index_.forget_tombstone(e.key());
        continue;
      }
      batch.add_entries()->Swap(&e);
    }
  }
  if (batch.entries_size() == 0) return std::uint64_t{0};
  auto bytes = batch.SerializeAsString();
  TROUPE_TRY(write(lock, batch, bytes, 0));
  return log_format::record_bytes(bytes.size());
}

result<kv_compacted> kv_shard::remove_victim() {
  kv_compacted out;
  locked lock{mutex_};
  TROUPE_TRY(may_write());
  // What did not live because a newer write was on its way: that one is durable, and in the index.
  const auto end = log_->end();
  while (!failed_ && durable_ < end) {
    if (syncing_)
      turned_.wait(lock);
    else
      commit_turn(lock);
  }
  TROUPE_TRY(may_write());
  bool marked = false;
  {
    std::shared_lock index{index_mutex_};
    if (index_.live_bytes(victim_->number) != 0)
      return give_up_victim(fail(ec::internal,
        options_.directory + ": segment " + std::to_string(victim_->number) +
          " still has what lives after it was copied"));
    marked = index_.token() == options_.token && index_.token_segment() > victim_->number;
  }
  if (!marked) { // the log must not forget which tokens there were
    auto nothing = pb::kv_batch{}.SerializeAsString();
    TROUPE_TRY(write(lock, {}, nothing, 0));
    out.written_bytes = log_format::record_bytes(nothing.size());
    TROUPE_TRY(may_write());
  }
  if (keeper_.use_count() > 1) return out; // goes on here when nobody keeps it any more
  if (auto removed = log_->remove_segment(victim_->number); !removed) {
    failed_ = removed.error(); // whether it is there is not known
    return removed.error();
  }
  std::uint64_t left = 0;
  for (const auto& s : log_->segments()) left += s.bytes;
  bytes_ = left;
  {
    std::unique_lock index{index_mutex_};
    index_.forget_segment(victim_->number);
  }
  lock.unlock();
  out.more = true;
  out.moved_bytes = out.written_bytes;
  out.segments = 1;
  out.removed_bytes = victim_->bytes;
  forget_tombstones();
  victim_.reset();
  return out;
}

// Of keys of which no record is left now. They are dead then, and their segments can go.
void kv_shard::forget_tombstones() {
  const auto there = others();
  std::optional<std::string> after{""};
  while (after) {
    std::unique_lock index{index_mutex_};
    after = index_.forget_tombstones(there, *after, tombstones_at_a_time);
  }
}

error kv_shard::give_up_victim(error why) {
  unreadable_.insert(victim_->number);
  victim_.reset();
  return why;
}

std::shared_ptr<const void> kv_shard::keep_segments() const {
  std::lock_guard lock{mutex_};
  return keeper_;
}

} // namespace troupe
