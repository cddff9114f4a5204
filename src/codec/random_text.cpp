#include "codec/random_text.hpp"

namespace troupe {

// Bytes at or over the largest multiple of the alphabet's size are thrown away: they would favour its beginning.
std::string random_text(entropy& random, std::string_view alphabet, std::size_t n) {
  std::string text;
  const auto limit = 256 - 256 % alphabet.size();
  while (text.size() < n) {
    std::byte b[32];
    random.fill(b);
    for (auto x : b) {
      auto v = std::to_integer<std::size_t>(x);
      if (v < limit && text.size() < n) text += alphabet[v % alphabet.size()];
    }
  }
  return text;
}

} // namespace troupe
