// extent_codec: the extent of a message or a row as core/extent_map.hpp, which checks it (errors: extent_map::make's), and
// what an upload came to as an extent.
#pragma once

#include "core/extent_map.hpp"
#include "core/write_plan.hpp"
#include "troupe.pb.h"

namespace troupe {

result<extent_map> map_of(const pb::extent&);

pb::extent extent_of(const data_id&, const stripe_layout&, const write_plan::outcome&);
// The pieces that are missing; empty when none is.
pb::repair_record repair_of(const pb::extent&, const write_plan::outcome&);

} // namespace troupe
