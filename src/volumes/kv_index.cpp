#include "volumes/kv_index.hpp"

namespace troupe {
namespace {

constexpr std::uint64_t key_cost = 160;
constexpr std::uint64_t index_cost = 200;

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
    sum += key_cost + e.key().size();
    for (const auto& x : e.indexes()) sum += index_cost + 2 * (x.name().size() + 5 + x.value().size() + e.key().size());
  }
  return sum;
}

result<> kv_index::apply(const log_entry_view& entry) {
  if (entry.record.type != kv_batch_record) return {}; // of a later version, which says in docs what may be skipped
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
    return;
  }
  token_ = token;
  for (int i = 0; i < batch.entries_size(); ++i) {
    const auto& e = batch.entries(i);
    auto [found, is_new] = keys_.try_emplace(e.key());
    if (is_new) memory_bytes_ += key_cost + e.key().size();
    auto& line = found->second;
    for (const auto& old : line.indexed) {
      memory_bytes_ -= cost_of(old);
      by_value_.erase(old);
    }
    line.indexed.clear();
    line.where = {at, static_cast<std::uint32_t>(i)};
    for (const auto& x : e.indexes()) {
      auto indexed = value_prefix(x.name(), x.value()) + e.key();
      if (!by_value_.insert(indexed).second) continue; // given twice
      memory_bytes_ += cost_of(indexed);
      line.indexed.push_back(std::move(indexed));
    }
  }
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
