// scrub_note: how far a shard's scrub is, as the content of a small file on its volume, so that a restart goes on there.
// Nothing depends on it: without one, or with one that does not parse, a round begins anew.
//
//   scrub 1 NEXT_SEGMENT NEXT_OFFSET END_SEGMENT END_OFFSET BYTES_DONE BYTES_TOTAL OVER BEGAN_MS CRC32C
//
// One line of decimal numbers. OVER: 1 between rounds. BEGAN_MS: the round's begin, by the wall clock. The CRC32C is of what
// stands before its blank.
#pragma once

#include "base/environment.hpp"
#include "store/piece_store.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace troupe {

struct scrub_note {
  static constexpr std::uint64_t bytes_max = 512;
  piece_store::scrub_round round;
  unix_ms began_ms = 0;
};

std::string encode(const scrub_note&);
std::optional<scrub_note> parse_scrub_note(std::string_view);

} // namespace troupe
