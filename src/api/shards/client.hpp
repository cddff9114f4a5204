// client: who a call of the shards surface comes from, by the one identity service: its metadata has either
// `authorization: Bearer <JWT>` or `x-api-key: <key>`. And what is written down of a call.
#pragma once

#include "api/http/config.hpp"
#include "api/identity/gate.hpp"

#include <span>
#include <string>
#include <string_view>

namespace troupe::shards {

// Policies speak of shards as of a bucket of this name. A key there is SHARD/KEY; SHARD/ is the shard itself; empty: what is
// of no one shard.
inline constexpr std::string_view bucket_name = ".shards";

// Values of metadata, each as often as it was sent.
struct proofs {
  std::span<const std::string_view> authorization, api_key;
};
// Errors: as the gate's; ec::access_denied for none, or for two.
result<identity::principal> principal_of(const identity_gate&, const proofs&);

// The client id that owns shards: a user's name; "jwt:SUBJECT" of a token, so that an issuer's word opens no user's shards.
std::string client_of(const identity::principal&);

// The address of gRPC's "ipv4:10.0.0.7:4711", "ipv6:[::1]:4711" (or with %5B and %5D); the whole when it is something else.
std::string address_of_peer(std::string_view);
// The HTTP status that stands for a gRPC status code, for logs and metrics.
int http_status_of(int grpc_code);

} // namespace troupe::shards
