// log_verification: when the log of files is verified again, and by whom: every process looks at one row, and whoever finds it
// due writes there that it begins. Pure.
#pragma once

#include "base/environment.hpp"
#include "files.pb.h"

#include <chrono>

namespace troupe {

// Between two looks of a process at the row, 1 s to 1 min: a twentieth of the interval.
std::chrono::milliseconds verification_look(std::chrono::milliseconds interval);

// `interval` has passed since the last one ended, and nobody is at it: one that began and does not end is given up after the
// interval, or ten minutes when that is longer. Clocks that differ, or jump, only hasten or delay.
bool verification_due(const pb::file_log_verification&, unix_ms now, std::chrono::milliseconds interval);

} // namespace troupe
