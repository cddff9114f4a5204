// tls: mutual TLS 1.3 between the processes of one cluster. Whoever has a certificate of the cluster's CA is a full peer,
// under the name that the certificate gives (its common name is the node's id); nobody else gets a byte.
#pragma once

#include "base/error.hpp"

#include <boost/asio/ssl/context.hpp>
#include <openssl/types.h>

#include <string>

namespace troupe::net {

struct tls_files { // PEM; read anew for every connection, so that replacing them (by rename) rotates
  std::string ca;
  std::string certificate;
  std::string key;
  bool given() const { return !ca.empty() || !certificate.empty() || !key.empty(); }
};

// ec::bad_argument names the file that is missing, unreadable, or does not fit the others.
result<boost::asio::ssl::context> make_tls_context(const tls_files&);

// The common name of the peer's certificate; empty when there is none.
std::string peer_name(SSL*);

} // namespace troupe::net
