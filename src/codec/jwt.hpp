// jwt: a JSON Web Token in its compact form (RFC 7515, 7519): taken apart, its signature checked, its claims read. Who is to
// be believed, for what and when is core/identity/token_rules.hpp's business.
// A token chooses nothing but the key's name: `alg` must be the chosen key's own, `none` is no algorithm, and keys or
// addresses of keys inside a token (jwk, jku, x5c, x5u) are not looked at.
#pragma once

#include "base/environment.hpp"
#include "codec/jwk.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

inline constexpr std::size_t jwt_bytes_max = 8192;

struct jwt {
  jwt_algorithm algorithm = jwt_algorithm::rs256;
  std::string key_id;      // empty: it names none
  std::string signed_text; // what the signature is over
  std::string signature;   // raw
  std::string payload;     // JSON that nobody has vouched for yet
};

// ec::access_denied: malformed, too long, of another algorithm, or with critical extensions (`crit`).
result<jwt> parse_jwt(std::string_view token);

// ec::access_denied: no key verifies it. A token that names a key is tried with the keys of that name alone.
result<> verify_jwt(const jwt&, const jwk_set&);

struct jwt_claims {
  std::string issuer, subject;
  std::vector<std::string> audience;
  std::optional<unix_ms> expires, not_before;
  std::vector<std::string> roles; // of the claim that was asked for: a list, or words of one string
};
// Of a payload whose signature was checked. ec::access_denied: not the JSON object that it should be. Unknown claims pass.
result<jwt_claims> read_claims(std::string_view payload, std::string_view roles_claim);

// RFC 4648 section 5, without padding, and only the one canonical encoding.
std::optional<std::string> base64url_decode(std::string_view);

} // namespace troupe
