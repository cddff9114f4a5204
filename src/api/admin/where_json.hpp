// where_json: where an extent's pieces are, and what its nodes say of them, as JSON (docs/ADMIN.md).
#pragma once

#include "actors/survey.hpp"
#include "base/error.hpp"
#include "troupe.pb.h"

#include <boost/json/object.hpp>

namespace troupe::admin {

// ec::corrupt for an extent that makes no sense.
result<boost::json::object> extent_json(const pb::extent&, const extent_survey&);

} // namespace troupe::admin
