// object_extents: the extents of the object that a request names by bucket= and key=, and which of them it is shown: an
// object of many parts `extents_max` at a time, from number from= on.
#pragma once

#include "api/admin/call.hpp"

#include <string>
#include <vector>

namespace troupe::admin {

inline constexpr std::size_t extents_max = 64;

struct named_extent {
  std::uint32_t part = 0; // 0: the object has no parts
  pb::extent extent;
};

struct found_object {
  std::string bucket, key;
  pb::object_record record;
  std::vector<named_extent> extents; // what lies with the nodes
  std::size_t from = 0;
};

// ec::no_such_bucket, ec::no_such_key, ec::bad_argument.
http::task<found_object> find_object(call&);
std::vector<named_extent> shown_extents(const found_object&);

} // namespace troupe::admin
