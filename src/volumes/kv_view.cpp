#include "volumes/kv_view.hpp"

namespace troupe {

result<std::string> kv_view::value_at(const kv_index::place& where, record_cache& cache) const {
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
  if (where.entry >= static_cast<std::uint32_t>(cache.batch.entries_size()))
    return fail(ec::corrupt, "a record of the shard's log has fewer entries than its index says");
  return cache.batch.entries(static_cast<int>(where.entry)).value();
}

result<std::optional<std::string>> kv_view::get(const std::string& key) const {
  std::optional<kv_index::place> where;
  {
    std::shared_lock lock{index_mutex_};
    where = index_.find(key);
  }
  if (!where) return std::optional<std::string>{};
  record_cache cache;
  auto value = value_at(*where, cache); // records are never rewritten: no lock
  if (!value) return std::move(value).error();
  return std::optional{std::move(*value)};
}

result<kv_view::page> kv_view::scan(
  const std::string& prefix, const std::string& after, std::size_t limit, std::size_t bytes) const {
  std::vector<std::pair<std::string, kv_index::place>> found;
  {
    std::shared_lock lock{index_mutex_};
    found = index_.page(prefix, after, limit + 1);
  }
  page out;
  record_cache cache;
  std::size_t taken = 0;
  for (auto& [key, where] : found) {
    if (out.rows.size() == limit || taken >= bytes) {
      out.more = true;
      break;
    }
    auto value = value_at(where, cache);
    if (!value) return std::move(value).error();
    taken += key.size() + value->size();
    out.last = key;
    out.rows.emplace_back(std::move(key), std::move(*value));
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
    .memory_bytes = index_.memory_bytes(),
    .token = index_.token(),
    .refused_records = index_.refused()};
}

} // namespace troupe
