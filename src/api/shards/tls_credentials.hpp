// tls_credentials: TLS for gRPC's server by a certificate that may change while it serves: every new connection gets the
// one of that moment. TLS 1.2 and 1.3, no client certificates.
#pragma once

#include <grpcpp/security/server_credentials.h>

#include <memory>

namespace troupe::net {
class server_certificate;
}

namespace troupe::shards {

// Lives at least as long as the server that uses it.
std::shared_ptr<grpc::ServerCredentials> make_tls_credentials(std::shared_ptr<const net::server_certificate>);

} // namespace troupe::shards
