// extent_codec: the extent of a message or a row as core/extent_map.hpp, which checks it. Errors: extent_map::make's.
#pragma once

#include "core/extent_map.hpp"
#include "troupe.pb.h"

namespace troupe {

result<extent_map> map_of(const pb::extent&);

} // namespace troupe
