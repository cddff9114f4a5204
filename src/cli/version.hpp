// version: of this program, from CMakeLists.txt's project().
#pragma once

namespace troupe::cli {

inline constexpr const char* version = TROUPE_VERSION;

} // namespace troupe::cli
