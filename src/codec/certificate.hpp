// certificate: the cluster's certificate authority and the certificates of its nodes, as PEM text. ECDSA on P-256, X.509 v3.
// A node's certificate proves its name to the others, as server and as client. No files and no TLS here: who checks a
// certificate in a handshake is the channel's business.
#pragma once

#include "base/environment.hpp"
#include "base/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

struct x509_st; // OpenSSL's X509

namespace troupe {

struct certificate_and_key {
  std::string certificate; // PEM
  std::string key;         // PEM, PKCS #8, not encrypted: a secret
};

inline constexpr std::uint32_t ca_days_default = 3650;
inline constexpr std::uint32_t node_days_default = 365;
inline constexpr std::uint32_t certificate_days_max = 36'500;

// A self-signed authority that can sign nodes, but no further authorities. Certificates are valid from five minutes before
// `now`, for peers whose clock is a little behind.
result<certificate_and_key> make_certificate_authority(std::uint32_t days, unix_ms now, entropy&);

struct node_certificate_options {
  std::string node;                       // the common name, and a host name of the certificate
  std::vector<std::string> hosts;         // further host names, IPv4 and IPv6 addresses
  std::uint32_t days = node_days_default; // cut short where the authority's own certificate ends
};

// ec::bad_argument names the node, host or days that will not do; ec::corrupt: certificate or key of the authority are
// unreadable or do not belong together; ec::precondition_failed: it has expired.
result<certificate_and_key> issue_node_certificate(
  const certificate_and_key& authority, const node_certificate_options&, unix_ms now, entropy&);

struct certificate_details {
  std::string common_name;        // of a node: its id
  std::string issuer;             // the common name of who signed it
  std::vector<std::string> hosts; // names and addresses
  bool authority = false;
  unix_ms valid_from = 0;
  unix_ms valid_until = 0;
};

// The first certificate in the text. ec::corrupt when there is none, or when it has no common name.
result<certificate_details> read_certificate(std::string_view pem);
// The same of one that OpenSSL holds, such as a peer's. Says nothing about whether it is to be trusted.
result<certificate_details> describe_certificate(const x509_st&);
// Until when it is valid; of one without a common name, too.
unix_ms end_of_certificate(const x509_st&);

struct certificate_ends {
  unix_ms own = 0;
  unix_ms authority = 0;
};
// Until when the first certificate of `pem` is valid, and the authority that issued it: of those that did, the one that ends
// last. When none did (there are others between them) the one that ends first. ec::corrupt: a text without a certificate.
result<certificate_ends> ends_of_certificates(std::string_view pem, std::string_view authorities);

} // namespace troupe
