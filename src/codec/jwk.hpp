// jwk: the keys that tokens are verified with: a JSON Web Key Set (RFC 7517). A key verifies with the one algorithm that its
// kind stands for (RSA: RS256; EC P-256: ES256; oct: HS256) and no other, whatever a token says: an RSA key's public half can
// not be taken for an HMAC secret. What is of another kind, or not for signatures, is left out.
#pragma once

#include "base/error.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

enum class jwt_algorithm : std::uint8_t { hs256, rs256, es256 };
std::string_view to_string(jwt_algorithm) noexcept; // "HS256"

// Immutable: any number of threads may verify with it.
class jwk {
public:
  struct material;
  jwk(std::string id, jwt_algorithm a, std::shared_ptr<const material> m)
      : id_(std::move(id)), algorithm_(a), material_(std::move(m)) {}
  const std::string& id() const { return id_; } // empty: it has none
  jwt_algorithm algorithm() const { return algorithm_; }
  // `signature` as a token carries it: raw bytes; of ES256 the two numbers, 32 bytes each.
  bool verifies(std::string_view signed_text, std::string_view signature) const;

private:
  std::string id_;
  jwt_algorithm algorithm_;
  std::shared_ptr<const material> material_;
};

class jwk_set {
public:
  static constexpr std::size_t bytes_max = std::size_t{256} << 10, keys_max = 64;
  enum class from : std::uint8_t { file, network }; // what comes over a network is public: secrets (oct) are left out

  // ec::bad_argument: no JSON Web Key Set, or no key in it that can be used.
  static result<jwk_set> parse(std::string_view json, from);

  const std::vector<jwk>& keys() const { return keys_; }
  bool has(std::string_view id) const;

private:
  std::vector<jwk> keys_;
};

} // namespace troupe
