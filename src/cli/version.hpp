// version: of this program; CMakeLists.txt's project() says the same.
#pragma once

namespace troupe::cli {

inline constexpr const char* version = "0.1.0";

} // namespace troupe::cli
