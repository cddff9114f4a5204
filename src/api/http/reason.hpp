// reason: the phrase of a status line.
#pragma once

#include <string_view>

namespace troupe::http {

std::string_view reason_of(int status);

} // namespace troupe::http
