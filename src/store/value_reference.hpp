// value_reference: what a row of a separated base holds instead of its value, and what the base notes in its position.
// A tag that is random and the base's own begins every reference: no value that a client sends looks like one. Pure.
// Private to the store.
#pragma once

#include "store/log.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace troupe {

using value_tag = std::array<char, 16>;

struct value_reference {
  log_position at;               // in the log of values
  std::uint32_t value_bytes = 0; // the row's own size is known
  friend bool operator==(const value_reference&, const value_reference&) = default;
};

std::string encode(const value_tag&, const value_reference&);
// Nothing: it is a value.
std::optional<value_reference> decode(const value_tag&, std::string_view stored);

// Before the position that the base's owner gave. A base without values apart has none of it.
struct value_note {
  value_tag tag{};
  log_position end;                            // of the log of values, as far as rows may point into it
  std::map<std::uint64_t, std::uint64_t> live; // bytes of a segment that rows point to; none: not there
};

std::string encode(const std::optional<value_note>&, std::string_view position);
struct noted_position {
  std::optional<value_note> note;
  std::string position;
};
// ec::corrupt: it begins as a note does, and is none.
result<noted_position> decode_position(std::string_view stored);

} // namespace troupe
