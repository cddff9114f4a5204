// command_line: a typed line as the words of a command, as a shell would split it: blanks, 'quotes', "quotes", backslash.
#pragma once

#include "base/error.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace troupe::cli {

// ec::bad_argument: a quote that is not closed, or a backslash at the end.
result<std::vector<std::string>> split_line(std::string_view line);

} // namespace troupe::cli
