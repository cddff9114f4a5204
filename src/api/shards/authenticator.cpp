#include "api/shards/authenticator.hpp"

#include "codec/digest.hpp"
#include "codec/text.hpp"

#include <algorithm>

namespace troupe::shards {

bool is_client_id(std::string_view id) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
      c == '-';
  };
  return !id.empty() && id.size() <= 63 && std::ranges::all_of(id, plain);
}

std::string make_client_token(std::string_view secret, std::string_view client) {
  auto message = "troupe shards client\n" + std::string{client};
  auto mac = hmac_sha256(as_bytes(secret), as_bytes(message));
  return std::string{client} + "." + hex_encode(bytes_view{mac});
}

result<std::string> client_tokens::client_of(std::string_view authorization) const {
  constexpr std::string_view scheme = "Bearer ";
  if (!authorization.starts_with(scheme))
    return fail(ec::access_denied, "the call has no metadata `authorization: Bearer TOKEN`");
  auto token = authorization.substr(scheme.size());
  auto dot = token.rfind('.');
  if (dot == std::string_view::npos || !is_client_id(token.substr(0, dot)))
    return fail(ec::access_denied, "the token is not of the form CLIENT.MAC");
  auto client = token.substr(0, dot);
  if (!equal_constant_time(token, make_client_token(secret_, client)))
    return fail(ec::access_denied, "the token is not this store's");
  return std::string{client};
}

} // namespace troupe::shards
