// known_users: users and policies as a test sets them: reader, writer, admin (with that role), nobody (none), left (disabled).
// Each has the SigV4 key TK<name> and the API key TA<name>. And an issuer whose tokens are believed.
#pragma once

#include "api/identity/gate.hpp"
#include "support/token_maker.hpp"

#include <atomic>
#include <memory>
#include <string>

namespace troupe::test {

inline const token_maker& issuer() {
  static const token_maker one;
  return one;
}

class fixed_keys final : public token_keys {
public:
  std::shared_ptr<const jwk_set> get() const override { return keys_; }
  void missed() override { ++misses; }
  std::atomic<int> misses = 0;

private:
  std::shared_ptr<const jwk_set> keys_ =
    std::make_shared<const jwk_set>(jwk_set::parse(issuer().all(), jwk_set::from::file).value());
};

struct known_users {
  static inline const std::string secret = "secret-of-a-user", api_secret = "api-secret";

  explicit known_users(std::shared_ptr<identity::holder> h = std::make_shared<identity::holder>())
      : known(std::move(h)) {
    for (const auto* name : {"reader", "writer", "admin", "nobody", "left"}) {
      identity::user u;
      if (const auto r = identity::role_named(name)) u.roles.add(*r);
      u.disabled = std::string_view{name} == "left";
      all.users[name] = u;
      all.keys["TK" + std::string{name}] = {.user = name, .kind = identity::key_kind::sigv4, .secret = secret};
      all.keys["TA" + std::string{name}] = {
        .user = name, .kind = identity::key_kind::api, .secret = identity::digest_of_secret(api_secret)};
    }
    publish();
  }
  void publish() { known->set(std::make_shared<const identity::snapshot>(all)); }
  void policy(const std::string& bucket, const std::string& statements) {
    all.policies[bucket] = std::make_shared<const identity::policy>(
      identity::policy::parse(R"({"statements":[)" + statements + "]}").value());
    publish();
  }
  void no_policies() {
    all.policies.clear();
    publish();
  }

  identity::snapshot all;
  std::shared_ptr<identity::holder> known;
};

// The claims of a token of the issuer for "carol", who is a reader, with `more` (",...") in them.
inline std::string claims(unix_ms now, const std::string& more = {}) {
  return R"({"iss":"https://issuer","aud":"troupe","sub":"carol","roles":["reader"],"exp":)" +
    std::to_string(now / 1000 + 60) + more + "}";
}

} // namespace troupe::test
