// byte_cache: contents that were asked for lately, least recently used first out. Bounded by bytes. An entry is of one
// version: whoever asks names the version that he wants, so a cache can be late but never stale. Not thread-safe.
#pragma once

#include "base/bytes.hpp"

#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>

namespace troupe {

class byte_cache {
public:
  // Entries of more than entry_bytes_max are not taken: one large one would drive out all others.
  byte_cache(std::uint64_t bytes_max, std::uint64_t entry_bytes_max)
      : bytes_max_(bytes_max), entry_bytes_max_(entry_bytes_max) {}

  // Nothing: not there, or of another version; that one is dropped.
  std::optional<chunk> find(const std::string& key, const std::string& version);
  void put(const std::string& key, std::string version, chunk content);
  void erase(const std::string& key);

  bool takes(std::uint64_t bytes) const { return bytes <= entry_bytes_max_ && bytes <= bytes_max_; }
  std::uint64_t bytes() const { return bytes_; }
  std::size_t entries() const { return entries_.size(); }

private:
  struct entry {
    std::string key, version;
    chunk content;
  };
  static std::uint64_t weight(const entry& e) {
    constexpr std::uint64_t overhead = 128; // of the list and the table
    return e.content.size() + 2 * e.key.size() + e.version.size() + overhead;
  }
  void drop(std::list<entry>::iterator);

  std::uint64_t bytes_max_, entry_bytes_max_, bytes_ = 0;
  std::list<entry> order_; // the most recent first
  std::unordered_map<std::string, std::list<entry>::iterator> entries_;
};

} // namespace troupe
