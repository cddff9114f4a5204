// healing_text: what `troupe admin status` says of the cluster's healing: what is protected, what goes on and how long still.
#pragma once

#include <boost/json/object.hpp>

#include <string>
#include <vector>

namespace troupe::cli {

// Of a whole status; none when it says nothing of healing.
std::vector<std::string> healing_lines(const boost::json::object& status);

} // namespace troupe::cli
