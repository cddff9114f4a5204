// wal_base: old segments of the log of files become the base: of each file that exists what they said last.
#pragma once

#include "api/files/wal_rows.hpp"

namespace troupe::files {

// The oldest closed segments, a few at a time, as long as there are more than `segments_kept`. A segment that is damaged is
// kept: throws ec::corrupt.
http::task<> collect_base(log_access&, std::uint64_t segments_kept);

} // namespace troupe::files
