// log_seal: takes a log away from a writer that may still have it open: a copy of the active segment, in a file of its
// own, takes the place of the one that the writer knows. What it writes from then on is in a file without a name.
// Its directory must have been renamed before, so that it finds nothing by name either.
#pragma once

#include "base/error.hpp"

#include <string>

namespace troupe {

class disk;

// Nothing happens when there is no active segment. Durable on return; a crash leaves the old file or the new one.
result<> seal_log(disk&, const std::string& directory);

} // namespace troupe
