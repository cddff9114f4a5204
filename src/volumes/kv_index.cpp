#include "volumes/kv_index.hpp"

#include "store/log_format.hpp"

#include <iterator>

namespace troupe {
namespace {

constexpr std::uint64_t key_cost = 160;
constexpr std::uint64_t index_cost = 200;
constexpr std::uint64_t tombstone_cost = 120;

std::string value_prefix(const std::string& name, const std::string& value) {
  std::string out = name;
  out += '\0';
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>((value.size() >> shift) & 0xff);
  return out += value;
}

std::uint64_t cost_of(const std::string& indexed) { return index_cost + 2 * indexed.size(); }

} // namespace

std::uint64_t kv_index::cost(const pb::kv_batch& batch) {
  std::uint64_t sum = 0;
  for (const auto& e : batch.entries()) {
    if (e.deleted()) continue; // its tombstone takes less than the key did
    sum += key_cost + e.key().size();
    for (const auto& x : e.indexes()) sum += index_cost + 2 * (x.name().size() + 5 + x.value().size() + e.key().size());
  }
  return sum;
}

result<> kv_index::apply(const log_entry_view& entry) {
  if (entry.record.type != kv_batch_record) { // of a later version, which says in docs what may be skipped
    unknown_in_.insert(entry.position.segment);
    return {};
  }
  pb::kv_batch batch;
  if (!batch.ParseFromArray(entry.payload.data(), static_cast<int>(entry.payload.size())))
    return fail(ec::corrupt,
      "the record at " + std::to_string(entry.position.segment) + "/" + std::to_string(entry.position.offset) +
        " is no batch of keys and values");
  apply(entry.position, entry.record.n2, batch);
  return {};
}

void kv_index::apply(log_position at, std::uint64_t token, const pb::kv_batch& batch) {
  if (token < token_) {
    ++refused_;
    refused_in_.insert(at.segment);
    return;
  }
  token_ = token;
  token_segment_ = at.segment;
  // The header is shared out, so that what lives and what is dead are the log's bytes together.
  const auto count = static_cast<std::uint32_t>(batch.entries_size());
  auto beside = log_format::record_bytes(batch.ByteSizeLong()); // and remembers the size of each entry
  for (const auto& e : batch.entries()) beside -= static_cast<std::uint64_t>(e.GetCachedSize());
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto& e = batch.entries(static_cast<int>(i));
    const auto share = beside / count + (i < beside % count ? 1 : 0);
    const place where{at, i, static_cast<std::uint32_t>(static_cast<std::uint64_t>(e.GetCachedSize()) + share)};
    if (e.deleted())
      remove(e.key(), where);
    else
      put(e, where);
  }
}

void kv_index::put(const pb::kv_entry& e, const place& where) {
  auto [found, is_new] = keys_.try_emplace(e.key());
  auto& line = found->second;
  if (is_new) {
    memory_bytes_ += key_cost + e.key().size();
    line.oldest = where.record.segment;
    if (auto t = tombstones_.find(e.key()); t != tombstones_.end()) {
      line.oldest = t->second.oldest;
      forget(t);
    }
  } else {
    unlink(line);
  }
  line.where = where;
  lives(where);
  for (const auto& x : e.indexes()) {
    auto indexed = value_prefix(x.name(), x.value()) + e.key();
    if (!by_value_.insert(indexed).second) continue; // given twice
    memory_bytes_ += cost_of(indexed);
    line.indexed.push_back(std::move(indexed));
  }
}

void kv_index::remove(const std::string& key, const place& where) {
  tombstone made{where, 0, 0};
  if (auto found = keys_.find(key); found != keys_.end()) {
    made.oldest = found->second.oldest;
    made.newest = found->second.where.record.segment;
    unlink(found->second);
    memory_bytes_ -= key_cost + key.size();
    keys_.erase(found);
  } else if (auto earlier = tombstones_.find(key); earlier != tombstones_.end()) { // deleted again, or moved
    made.oldest = earlier->second.oldest;
    made.newest = earlier->second.newest;
    forget(earlier);
  } else {
    return; // the log has no older record of the key
  }
  if (!keeps_tombstones_ || made.oldest == where.record.segment) return; // or: it goes with its segment
  tombstones_.emplace(key, made);
  memory_bytes_ += tombstone_cost + key.size();
  lives(where);
}

void kv_index::unlink(row& line) {
  for (const auto& old : line.indexed) {
    memory_bytes_ -= cost_of(old);
    by_value_.erase(old);
  }
  line.indexed.clear();
  dies(line.where);
}

void kv_index::lives(const place& p) {
  lives_[p.record.segment] += p.bytes;
  live_bytes_ += p.bytes;
}

void kv_index::dies(const place& p) {
  auto segment = lives_.find(p.record.segment);
  segment->second -= p.bytes;
  if (segment->second == 0) lives_.erase(segment);
  live_bytes_ -= p.bytes;
}

std::uint64_t kv_index::live_bytes(std::uint64_t segment) const {
  auto found = lives_.find(segment);
  return found == lives_.end() ? 0 : found->second;
}

kv_index::life kv_index::life_of(const std::string& key, log_position record, std::uint32_t entry) const {
  const auto here = [&](const place& p) { return p.record == record && p.entry == entry; };
  if (auto found = keys_.find(key); found != keys_.end()) return here(found->second.where) ? life::value : life::dead;
  auto t = tombstones_.find(key);
  return t != tombstones_.end() && here(t->second.where) ? life::tombstone : life::dead;
}

// Its own segment is gone together with what it hides there.
bool kv_index::tombstone::needed(const segments& there) const {
  auto i = there.lower_bound(oldest);
  if (i != there.end() && *i == where.record.segment) ++i;
  return i != there.end() && *i <= newest;
}

bool kv_index::needs_tombstone(const std::string& key, const segments& there) const {
  auto t = tombstones_.find(key);
  return t != tombstones_.end() && t->second.needed(there);
}

std::map<std::string, kv_index::tombstone>::iterator kv_index::forget(std::map<std::string, tombstone>::iterator t) {
  memory_bytes_ -= tombstone_cost + t->first.size();
  dies(t->second.where);
  return tombstones_.erase(t);
}

void kv_index::forget_tombstone(const std::string& key) {
  if (auto t = tombstones_.find(key); t != tombstones_.end()) forget(t);
}

std::optional<std::string> kv_index::forget_tombstones(
  const segments& there, const std::string& after, std::size_t count) {
  auto t = after.empty() ? tombstones_.begin() : tombstones_.upper_bound(after);
  std::string last;
  for (; t != tombstones_.end() && count > 0; --count) {
    last = t->first;
    t = t->second.needed(there) ? std::next(t) : forget(t);
  }
  return t == tombstones_.end() ? std::nullopt : std::optional{std::move(last)};
}

void kv_index::forget_segment(std::uint64_t segment) {
  refused_in_.erase(segment);
  unknown_in_.erase(segment);
}

std::optional<kv_index::place> kv_index::find(const std::string& key) const {
  auto found = keys_.find(key);
  return found == keys_.end() ? std::nullopt : std::optional{found->second.where};
}

std::vector<std::pair<std::string, kv_index::place>> kv_index::page(
  const std::string& prefix, const std::string& after, std::size_t limit) const {
  std::vector<std::pair<std::string, place>> out;
  auto at = after < prefix ? keys_.lower_bound(prefix) : keys_.upper_bound(after);
  if (prefix.empty() && after.empty()) at = keys_.begin();
  for (; at != keys_.end() && out.size() < limit && at->first.starts_with(prefix); ++at)
    out.emplace_back(at->first, at->second.where);
  return out;
}

std::vector<std::string> kv_index::with_value(
  const std::string& name, const std::string& value, const std::string& after, std::size_t limit) const {
  auto prefix = value_prefix(name, value);
  std::vector<std::string> out;
  auto at = after.empty() ? by_value_.lower_bound(prefix) : by_value_.upper_bound(prefix + after);
  for (; at != by_value_.end() && out.size() < limit && at->starts_with(prefix); ++at)
    out.push_back(at->substr(prefix.size()));
  return out;
}

} // namespace troupe
