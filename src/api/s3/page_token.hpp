// page_token: the opaque continuation tokens of ListObjectsV2 and ListBuckets.
#pragma once

#include "base/error.hpp"

#include <string>
#include <string_view>

namespace troupe::s3 {

// `context` (the prefix) is bound into the token, which is of no use with another one.
std::string make_page_token(std::string_view start_after, std::string_view context);
// ec::invalid_argument for anything that make_page_token did not make. Guards against mix-ups, it is no secret: a
// token only names a place in a listing that its sender may read anyway.
result<std::string> read_page_token(std::string_view token, std::string_view context);

} // namespace troupe::s3
