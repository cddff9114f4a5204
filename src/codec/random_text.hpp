// random_text: secrets and names that people copy: random characters of an alphabet, each equally likely.
#pragma once

#include "base/environment.hpp"

#include <string>
#include <string_view>

namespace troupe {

inline constexpr std::string_view capitals_and_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
inline constexpr std::string_view letters_and_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

// Of `n` characters. The alphabet has 1 to 256.
std::string random_text(entropy&, std::string_view alphabet, std::size_t n);

} // namespace troupe
