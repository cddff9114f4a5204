// sealed: secrets at rest: AES-256-GCM under a master key, bound to a context (what the secret belongs to), so that a
// sealed secret that is moved to another row does not open. For secrets that must come back, as SigV4's must; what only has to
// be recognised is kept as a digest instead.
#pragma once

#include "base/environment.hpp"
#include "base/error.hpp"

#include <array>
#include <string>
#include <string_view>

namespace troupe {

struct master_key {
  std::array<std::byte, 32> raw{};
  // 16 hex digits that tell keys apart and say nothing about them.
  std::string fingerprint() const;
  // 64 hex digits, as a key file holds them; white space at the end is ignored. ec::bad_argument does not show the text.
  static result<master_key> parse(std::string_view hex);
};

// 1 version byte, 12 random bytes, the ciphertext, 16 bytes of tag.
result<std::string> seal(const master_key&, std::string_view secret, std::string_view context, entropy&);
// ec::corrupt: another key, another context, or damage.
result<std::string> unseal(const master_key&, std::string_view sealed, std::string_view context);

} // namespace troupe
