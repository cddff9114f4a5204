#include "core/byte_cache.hpp"

#include <utility>

namespace troupe {

std::optional<chunk> byte_cache::find(const std::string& key, const std::string& version) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return {};
  if (found->second->version != version) {
    drop(found->second);
    return {};
  }
  order_.splice(order_.begin(), order_, found->second);
  return found->second->content;
}

void byte_cache::put(const std::string& key, std::string version, chunk content) {
  erase(key);
  if (!takes(content.size())) return;
  order_.push_front({key, std::move(version), std::move(content)});
  entries_.emplace(key, order_.begin());
  bytes_ += weight(order_.front());
  while (bytes_ > bytes_max_ && !order_.empty()) drop(std::prev(order_.end()));
}

void byte_cache::erase(const std::string& key) {
  if (const auto found = entries_.find(key); found != entries_.end()) drop(found->second);
}

void byte_cache::drop(std::list<entry>::iterator e) {
  bytes_ -= weight(*e);
  entries_.erase(e->key);
  order_.erase(e);
}

} // namespace troupe
