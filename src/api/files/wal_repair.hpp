// wal_repair: a file that is not what the log says is put right. Content is never taken over where it lies: what the log's
// record names may be in table garbage by now, or condemned, and be removed at any moment. It is read, compared, and stored
// anew, as an update of the file that the log knows of.
#pragma once

#include "api/files/wal_check.hpp"

namespace troupe::files {

enum class repairs : std::uint8_t { none, restore, all }; // `all`: files that the log does not know are removed, too
// What was done: "restored", "removed", "lost" (its content can not be read, nothing was changed), "changed" (by somebody
// else meanwhile) or "none". `segment_bytes`: of the log's segments.
http::task<const char*> repair(log_access&, const difference&, repairs how, std::uint64_t segment_bytes);

} // namespace troupe::files
