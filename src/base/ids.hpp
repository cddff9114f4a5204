// ids: distinct types for the numbers and names that must not be mixed up.
#pragma once

#include "base/bytes.hpp"

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>

namespace troupe {

// Names one immutable piece of content: 128 random bits, new for every PUT and every uploaded part.
struct data_id {
  std::array<std::byte, 16> raw{};
  friend auto operator<=>(const data_id&, const data_id&) = default;
  std::string to_bytes() const { return std::string{as_text(raw)}; }
  // `b` must have 16 bytes; shorter input yields the zero id.
  static data_id from_bytes(std::string_view b) {
    data_id id;
    if (b.size() == id.raw.size()) std::memcpy(id.raw.data(), b.data(), id.raw.size());
    return id;
  }
};

// The configured name of a node ("node-1"). Unique in a cluster, never reused.
struct node_id {
  std::string name;
  friend auto operator<=>(const node_id&, const node_id&) = default;
};

} // namespace troupe

template <>
struct std::hash<troupe::data_id> {
  std::size_t operator()(const troupe::data_id& id) const noexcept {
    std::size_t h = 0; // random bits already: any eight of them are a hash
    std::memcpy(&h, id.raw.data(), sizeof h);
    return h;
  }
};
