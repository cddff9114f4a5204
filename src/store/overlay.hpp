// overlay: the rows of a state that no checkpoint holds yet, ordered; nothing as a value means erased.
#pragma once

#include "store/state.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace troupe {

struct overlay {
  using rows_map = state_base::changes;
  rows_map rows;
  std::uint64_t bytes = 0; // of keys and values

  void set(std::string key, std::optional<std::string> value) {
    bytes += value ? value->size() : 0;
    auto [row, is_new] = rows.try_emplace(std::move(key));
    if (is_new)
      bytes += row->first.size();
    else if (row->second)
      bytes -= row->second->size();
    row->second = std::move(value);
  }
};

} // namespace troupe
