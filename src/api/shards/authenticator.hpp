// authenticator: who a call of the shards surface comes from. One interface, so that an identity service can take its place.
//
// client_tokens: a token is CLIENT.MAC, MAC = HMAC-SHA256 of the client's name, keyed by the store's secret key, in hex.
// Nothing is kept: whoever has the store's keys makes tokens (`troupe admin shards token CLIENT`); a new secret key takes
// all of them back. A token says nothing of the secret key. On a wire without TLS it can be read, as any bearer token.
#pragma once

#include "base/error.hpp"

#include <string>
#include <string_view>

namespace troupe::shards {

class authenticator {
public:
  virtual ~authenticator() = default;
  // The client that the value of the metadata `authorization` stands for; ec::access_denied. Called by several threads.
  virtual result<std::string> client_of(std::string_view authorization) const = 0;
};

class client_tokens final : public authenticator {
public:
  explicit client_tokens(std::string secret) : secret_(std::move(secret)) {}
  result<std::string> client_of(std::string_view authorization) const override;

private:
  std::string secret_;
};

// 1 to 63 of a-z A-Z 0-9 . _ -
bool is_client_id(std::string_view);
std::string make_client_token(std::string_view secret, std::string_view client);

} // namespace troupe::shards
