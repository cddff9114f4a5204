#include "net/tls.hpp"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>

namespace troupe::net {

namespace ssl = boost::asio::ssl;

result<ssl::context> make_tls_context(const tls_files& files) {
  ssl::context context{ssl::context::tls};
  boost::system::error_code e;
  auto failed = [&](const std::string& what) { return fail(ec::bad_argument, what + ": " + e.message()); };
  if (::SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_3_VERSION) != 1)
    return fail(ec::internal, "OpenSSL without TLS 1.3");
  context.load_verify_file(files.ca, e);
  if (e) return failed("the cluster's CA " + files.ca);
  context.use_certificate_chain_file(files.certificate, e);
  if (e) return failed("the node's certificate " + files.certificate);
  context.use_private_key_file(files.key, ssl::context::pem, e);
  if (e) return failed("the key " + files.key + " of certificate " + files.certificate);
  context.set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert, e);
  if (e) return failed("TLS");
  ::SSL_CTX_set_session_cache_mode(context.native_handle(), SSL_SESS_CACHE_OFF); // every connection proves itself anew
  ::SSL_CTX_set_num_tickets(context.native_handle(), 0);
  return context;
}

std::string peer_name(SSL* connection) {
  std::unique_ptr<X509, decltype(&::X509_free)> certificate{::SSL_get1_peer_certificate(connection), &::X509_free};
  if (!certificate) return {};
  auto* subject = ::X509_get_subject_name(certificate.get());
  auto at = ::X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return {};
  auto* value = ::X509_NAME_ENTRY_get_data(::X509_NAME_get_entry(subject, at));
  return {reinterpret_cast<const char*>(::ASN1_STRING_get0_data(value)),
    static_cast<std::size_t>(::ASN1_STRING_length(value))};
}

} // namespace troupe::net
