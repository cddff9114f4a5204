// listing: one page of rows in byte order, common prefixes rolled up, as S3 lists keys. Pure: a request and a cursor in,
// a reply out; it seeks past a whole common prefix instead of walking it. Knows rows, not buckets: keys are encoded by
// core/tables.hpp, and a row key's part after a NUL (an upload's id) is never searched for the delimiter.
#pragma once

#include "base/error.hpp"
#include "store/state.hpp"
#include "troupe.pb.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace troupe {

inline constexpr std::uint32_t listing_entries_max = 10000;
inline constexpr std::size_t listing_bytes_max = std::size_t{8} << 20; // of keys and values; one row may be larger

// `truncated` is exact: true only when another page would have an entry. `last` is the last entry's key.
// ec::bad_argument when the limit is not in 1..listing_entries_max.
result<pb::list_reply> list_page(state::cursor& rows, const pb::list_request&);

// The common prefix that a row is rolled up into, `prefix` included: up to and with the first delimiter after
// `prefix`. Empty: the row stands for itself. Precondition: row_key begins with prefix.
std::string_view common_prefix_of(std::string_view row_key, std::string_view prefix, std::string_view delimiter);

// The smallest key that is larger than every key that begins with `prefix`; nothing when there is none (all 0xff).
std::optional<std::string> end_of_prefix(std::string_view prefix);

} // namespace troupe
