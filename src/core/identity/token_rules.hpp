// token_rules: which token is believed, and who it then stands for. The signature comes before (codec/jwt.hpp).
#pragma once

#include "codec/jwt.hpp"
#include "core/identity/principal.hpp"

#include <string>

namespace troupe::identity {

struct token_rules {
  std::string issuer, audience;      // both must be what the token says; neither may be empty
  std::string roles_claim = "roles"; // names of roles in it are granted, other words mean nothing here
  std::int64_t leeway_ms = 30'000;   // between the issuer's clock and ours
};

// ec::access_denied: of another issuer, for another audience, expired, without an end, not valid yet, or without a subject.
result<principal> believe(const jwt_claims&, const token_rules&, unix_ms now);

} // namespace troupe::identity
