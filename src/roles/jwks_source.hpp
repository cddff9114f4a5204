// jwks_source: the keys of the tokens' issuer, from a file or over HTTP, fetched by a thread of its own: at the start, at every
// interval, and soon after a token named a key that is not known (an issuer that changed its keys). One fetch has a bound in
// bytes and in time, follows no redirects, and failures leave the keys that there are, for a day at most.
#pragma once

#include "api/identity/gate.hpp"
#include "base/error.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace troupe {

struct jwks_options {
  std::string where;
  std::chrono::milliseconds interval{300'000};
  std::chrono::milliseconds missed_pause{10'000}; // between two fetches that tokens asked for
  std::chrono::milliseconds failed_pause{5'000};  // after a failure
  std::chrono::milliseconds age_max{std::chrono::hours{24}};
  // Replaces the real fetch, for tests.
  std::function<result<std::string>(const std::string& where)> fetch;
};

// ec::bad_argument: neither a path, nor https://, nor http:// on loopback.
result<> check_jwks_address(const std::string& where);

class jwks_source final : public token_keys {
public:
  explicit jwks_source(jwks_options);
  ~jwks_source() override; // ends the thread
  std::shared_ptr<const jwk_set> get() const override;
  void missed() override;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace troupe
