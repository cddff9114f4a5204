#include "volumes/kv_limits.hpp"

#include <algorithm>

namespace troupe {
namespace {

std::string over(std::string what, std::size_t n, std::size_t bound) {
  return what + " has " + std::to_string(n) + " bytes, over " + std::to_string(bound);
}

} // namespace

result<> check_key(const std::string& key, const kv_limits& l) {
  if (key.empty()) return fail(ec::bad_argument, "the key is empty");
  if (key.size() > l.key_bytes_max) return fail(ec::too_large, over("the key", key.size(), l.key_bytes_max));
  return {};
}

result<> check_index_name(const std::string& name, const kv_limits& l) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
      c == '-';
  };
  if (name.empty() || name.size() > l.index_name_bytes_max || !std::ranges::all_of(name, plain))
    return fail(
      ec::bad_argument, "an index name needs 1 to " + std::to_string(l.index_name_bytes_max) + " of a-z A-Z 0-9 . _ -");
  return {};
}

result<> check_batch(const pb::kv_batch& batch, const kv_limits& l) {
  if (batch.entries_size() == 0) return fail(ec::bad_argument, "the batch is empty");
  if (batch.entries_size() > l.batch_entries_max)
    return fail(ec::too_large,
      "the batch has " + std::to_string(batch.entries_size()) + " entries, over " +
        std::to_string(l.batch_entries_max));
  for (int i = 0; i < batch.entries_size(); ++i) {
    const auto& e = batch.entries(i);
    const auto named = [&](const error& why) {
      return fail(why.code, "entry " + std::to_string(i) + ": " + why.message);
    };
    if (auto ok = check_key(e.key(), l); !ok) return named(ok.error());
    if (e.deleted() && (!e.value().empty() || e.indexes_size() != 0))
      return named(fail(ec::bad_argument, "a key that is deleted has no value and no indexes"));
    if (e.value().size() > l.value_bytes_max)
      return named(fail(ec::too_large, over("the value", e.value().size(), l.value_bytes_max)));
    if (e.indexes_size() > l.indexes_max)
      return named(fail(
        ec::too_large, std::to_string(e.indexes_size()) + " index entries, over " + std::to_string(l.indexes_max)));
    for (const auto& x : e.indexes()) {
      if (auto ok = check_index_name(x.name(), l); !ok) return named(ok.error());
      if (x.value().size() > l.index_value_bytes_max)
        return named(fail(ec::too_large, over("the index value", x.value().size(), l.index_value_bytes_max)));
    }
  }
  if (auto n = batch.ByteSizeLong(); n > l.batch_bytes_max)
    return fail(ec::too_large, over("the batch", n, l.batch_bytes_max));
  return {};
}

} // namespace troupe
