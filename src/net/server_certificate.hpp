// server_certificate: the certificate and key that the front doors of a process show to clients, and the TLS context made of
// them: TLS 1.2 and 1.3, ciphers with forward secrecy, ALPN http/1.1, no client certificates. Two PEM files, which may
// be replaced while it is in use: refresh() reads them anew, and takes them only when they are whole and fit together.
#pragma once

#include "base/error.hpp"
#include "codec/certificate.hpp"

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

struct ssl_ctx_st; // OpenSSL's SSL_CTX

namespace troupe::net {

struct certificate_files {
  std::string certificate; // the server's, then those between it and its authority
  std::string key;         // its private key, not encrypted
};

class server_certificate {
public:
  // The error's message begins with the file that is missing, unreadable, no PEM, or does not fit the other one.
  static result<std::shared_ptr<server_certificate>> load(certificate_files);

  // True: the files changed, and connections accepted from now on get what they hold. An error: they can not be used, and
  // what there was stays. One thread at a time.
  result<bool> refresh();

  // The rest is for any thread.
  std::shared_ptr<ssl_ctx_st> context() const; // for SSL_new(), which keeps it alive
  certificate_and_key pem() const;
  std::uint64_t version() const; // grows with each change
  unix_ms valid_until() const;
  const certificate_files& files() const { return files_; }

private:
  explicit server_certificate(certificate_files files) : files_(std::move(files)) {}

  const certificate_files files_;
  mutable std::mutex mutex_; // of what is below
  certificate_and_key pem_;
  std::shared_ptr<ssl_ctx_st> context_;
  unix_ms valid_until_ = 0;
  std::uint64_t version_ = 0;
};

} // namespace troupe::net
