#include "volumes/kv_view.hpp"

namespace troupe {

namespace {

// Of reading a value that is moved from under the reader: a compaction takes longer than a read, by far.
constexpr int looks_max = 5;

} // namespace

std::optional<kv_index::place> kv_view::find(const std::string& key) const {
  std::shared_lock lock{index_mutex_};
  return index_.find(key);
}

result<std::string> kv_view::value_at(const std::string& key, const kv_index::place& where, record_cache& cache) const {
  if (!cache.filled || cache.at != where.record) {
    cache.filled = false;
    auto record = read(where.record);
    if (!record) return std::move(record).error();
    const auto& payload = record->second;
    if (!cache.batch.ParseFromArray(payload.data(), static_cast<int>(payload.size())))
      return fail(ec::corrupt, "a record of the shard's log is no batch of keys and values");
    cache.at = where.record;
    cache.filled = true;
  }
  const auto& entries = cache.batch.entries();
  const auto* found =
    where.entry < static_cast<std::uint32_t>(entries.size()) ? &entries[static_cast<int>(where.entry)] : nullptr;
  if (found == nullptr || found->deleted() || found->key() != key) {
    cache.filled = false;
    return fail(ec::not_found, "a record of the shard's log is another one than its index says");
  }
  return found->value();
}

result<std::optional<std::string>> kv_view::value_of(
  const std::string& key, kv_index::place where, record_cache& cache) {
  bool moved = true;
  for (int attempt = 1;; ++attempt) {
    auto value = value_at(key, where, cache);
    if (value) return std::optional{std::move(*value)};
    auto why = std::move(value).error();
    if (attempt == looks_max || !moved) {
      if (moved) why = fail(ec::unavailable, why.message + ": try again");
      if (why.code == ec::not_found) why.code = ec::corrupt; // it is not the key that is missing
      return why;
    }
    TROUPE_TRY(renew(why));
    auto now = find(key);
    if (!now) return std::optional<std::string>{};
    moved = now->record != where.record || now->entry != where.entry;
    where = *now;
  }
}

result<std::optional<std::string>> kv_view::get(const std::string& key) {
  auto where = find(key);
  if (!where) return std::optional<std::string>{};
  record_cache cache;
  return value_of(key, *where, cache); // a record is never changed where it is: no lock
}

result<kv_view::page> kv_view::scan(
  const std::string& prefix, const std::string& after, std::size_t limit, std::size_t bytes) {
  std::vector<std::pair<std::string, kv_index::place>> found;
  {
    std::shared_lock lock{index_mutex_};
    found = index_.page(prefix, after, limit + 1);
  }
  page out;
  record_cache cache;
  std::size_t taken = 0;
  out.more = found.size() > limit;
  if (out.more) found.pop_back();
  for (auto& [key, where] : found) {
    if (taken >= bytes) {
      out.more = true;
      break;
    }
    auto value = value_of(key, where, cache);
    if (!value) return std::move(value).error();
    out.last = key;
    if (!*value) continue;
    taken += key.size() + (*value)->size();
    out.rows.emplace_back(std::move(key), std::move(**value));
  }
  return out;
}

std::vector<std::string> kv_view::lookup(
  const std::string& name, const std::string& value, const std::string& after, std::size_t limit) const {
  std::shared_lock lock{index_mutex_};
  return index_.with_value(name, value, after, limit);
}

kv_facts kv_view::facts() const {
  std::shared_lock lock{index_mutex_};
  return {.keys = index_.keys(),
    .log_bytes = log_bytes(),
    .live_bytes = index_.live_bytes(),
    .tombstones = index_.tombstones(),
    .memory_bytes = index_.memory_bytes(),
    .token = index_.token(),
    .refused_records = index_.refused()};
}

} // namespace troupe
