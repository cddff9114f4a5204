#include "volumes/kv_shard.hpp"

#include "store/disk.hpp"
#include "store/log_format.hpp"

#include <algorithm>

namespace troupe {

result<std::unique_ptr<kv_shard>> kv_shard::open(disk& files, kv_shard_options options) {
  std::unique_ptr<kv_shard> made{new kv_shard{std::move(options)}};
  auto& s = *made;
  log_options o;
  o.directory = s.options_.directory;
  o.segment_bytes = s.options_.limits.segment_bytes;
  o.random = s.options_.random;
  auto opened = log::open(files, std::move(o), {}, [&s](const log_entry_view& e) { return s.index_.apply(e); });
  if (!opened) return std::move(opened).error();
  s.log_ = std::move(*opened);
  if (s.index_.token() > s.options_.token)
    return fail(ec::conflict,
      s.options_.directory + " has records with the token " + std::to_string(s.index_.token()) + ", later than " +
        std::to_string(s.options_.token) + ": another node writes there");
  s.durable_ = s.log_->end();
  for (const auto& segment : s.log_->segments()) s.bytes_ += segment.bytes;
  return made;
}

result<> kv_shard::renew(const error& why) {
  if (why.code != ec::not_found) return why;
  return {};
}

result<> kv_shard::may_write() const {
  if (failed_) return fail(ec::closed, "the shard takes no writes after an error: " + failed_->message);
  if (!options_.lease->holds(options_.token))
    return fail(ec::unavailable, "this node's lease of the volume has ended: nothing was written; try again");
  return {};
}

result<> kv_shard::has_room(const pb::kv_batch& batch, std::size_t bytes) const {
  const auto& l = options_.limits;
  const bool deletes = std::ranges::all_of(batch.entries(), &pb::kv_entry::deleted);
  const auto bytes_max = l.shard_bytes_max + (deletes ? l.delete_reserve_bytes() : 0);
  if (bytes_ + log_format::record_bytes(bytes) > bytes_max)
    return fail(ec::no_space,
      "the shard is full: its log has " + std::to_string(bytes_) + " of " + std::to_string(bytes_max) +
        " bytes; make a new shard, or wait until what was overwritten or deleted is compacted");
  if (deletes) return {};
  std::shared_lock lock{index_mutex_};
  if (index_.memory_bytes() + memory_ahead_ + kv_index::cost(batch) > l.memory_bytes_max)
    return fail(ec::no_space,
      "the shard is full: its index of " + std::to_string(index_.keys()) + " keys would take over " +
        std::to_string(l.memory_bytes_max) + " bytes of memory; make a new shard");
  return {};
}

// Deletions of keys that are not there, and that no write under way brings.
bool kv_shard::changes_nothing(const pb::kv_batch& batch) const {
  if (!waiting_.empty()) return false;
  std::shared_lock lock{index_mutex_};
  return std::ranges::all_of(batch.entries(), [&](const auto& e) { return e.deleted() && !index_.find(e.key()); });
}

result<> kv_shard::put(const pb::kv_batch& batch) {
  TROUPE_TRY(check_batch(batch, options_.limits));
  auto bytes = batch.SerializeAsString();
  std::unique_lock lock{mutex_};
  if (failed_) return may_write();
  if (read_only_) return fail(ec::precondition_failed, "the shard is read-only");
  if (changes_nothing(batch)) return may_write();
  TROUPE_TRY(has_room(batch, bytes.size()));
  return write(lock, batch, bytes, kv_index::cost(batch));
}

result<> kv_shard::write(locked& lock, const pb::kv_batch& batch, const std::string& bytes, std::uint64_t memory) {
  TROUPE_TRY(may_write());
  bytes_view payload = as_bytes(bytes);
  auto at = log_->append({.type = kv_batch_record, .id = {}, .n1 = 0, .n2 = options_.token}, {&payload, 1});
  if (!at) {
    if (at.error().code != ec::no_space) failed_ = at.error();
    return std::move(at).error();
  }
  bytes_ += log_format::record_bytes(bytes.size());
  memory_ahead_ += memory;
  waiting_.push_back({*at, batch, memory});
  while (!failed_ && durable_ <= *at) {
    if (syncing_)
      turned_.wait(lock);
    else
      commit_turn(lock);
  }
  if (durable_ > *at) return {};
  return fail(failed_->code, failed_->message);
}

// One fdatasync for everything that was appended before it. The batches become readable after it, in order.
void kv_shard::commit_turn(locked& lock) {
  syncing_ = true;
  auto ticket = log_->prepare_sync();
  lock.unlock();
  auto outcome = ticket.run();
  lock.lock();
  log_->synced(ticket, outcome);
  syncing_ = false;
  if (outcome && !options_.lease->holds(options_.token))
    outcome = fail(ec::timeout,
      "this node's lease of the volume ended during the write: whether it was made is not known; read it, or try "
      "again");
  if (!outcome) {
    failed_ = outcome.error();
  } else {
    std::unique_lock index{index_mutex_};
    for (; !waiting_.empty() && waiting_.front().at < ticket.end(); waiting_.pop_front()) {
      memory_ahead_ -= waiting_.front().memory;
      index_.apply(waiting_.front().at, options_.token, waiting_.front().batch);
    }
    durable_ = std::max(durable_, ticket.end());
  }
  turned_.notify_all();
}

result<> kv_shard::rotate(locked& lock) {
  turned_.wait(lock, [&] { return !syncing_ && (waiting_.empty() || failed_); });
  TROUPE_TRY(may_write());
  auto done = log_->rotate();
  if (!done && done.error().code != ec::no_space) failed_ = done.error();
  return done;
}

result<> kv_shard::rotate() {
  std::unique_lock lock{mutex_};
  return rotate(lock);
}

result<> kv_shard::make_read_only() {
  std::unique_lock lock{mutex_};
  read_only_ = true;
  return rotate(lock);
}

bool kv_shard::broken() const {
  std::lock_guard lock{mutex_};
  return failed_.has_value();
}

} // namespace troupe
