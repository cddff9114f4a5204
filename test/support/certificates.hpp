// certificates: an authority of a test, servers' certificates that it issued, as PEM files in a directory of the test, and a
// TLS client that sends exactly what a test says.
#pragma once

#include "base/environment.hpp"
#include "codec/certificate.hpp"
#include "net/server_certificate.hpp"
#include "store/temporary_directory.hpp"
#include "support/raw_client.hpp"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <fstream>
#include <memory>
#include <string>

namespace troupe::test {

class certificates {
public:
  // Makes, or replaces, NAME.pem and NAME.key: valid for 127.0.0.1 and the name.
  net::certificate_files write(const std::string& name, const std::string& node = "server") const {
    auto made = issue_node_certificate(
      authority_, {.node = node, .hosts = {"127.0.0.1"}}, system_clock_source().now(), system_entropy())
                  .value();
    net::certificate_files files{.certificate = path(name + ".pem"), .key = path(name + ".key")};
    write_text(files.certificate, made.certificate);
    write_text(files.key, made.key);
    return files;
  }
  std::shared_ptr<net::server_certificate> load(const std::string& name = "server") const {
    return net::server_certificate::load(write(name)).value();
  }
  std::string authority_file() const {
    write_text(path("ca.pem"), authority_.certificate);
    return path("ca.pem");
  }
  std::string path(const std::string& name) const { return directory_.path() + "/" + name; }
  static void write_text(const std::string& path, const std::string& text) { std::ofstream{path} << text; }

private:
  temporary_directory directory_;
  certificate_and_key authority_ =
    make_certificate_authority(10, system_clock_source().now(), system_entropy()).value();
};

struct tls_client_options {
  int version_min = TLS1_2_VERSION, version_max = TLS1_3_VERSION;
  std::string protocols; // of ALPN, each after its length; empty: none are offered
  std::string authority; // a file: whom to believe; empty: anybody
};

// A TLS client over a raw_client's socket.
struct tls_client {
  template <auto Free>
  struct freed_by {
    template <class T>
    void operator()(T* p) const {
      Free(p);
    }
  };

  explicit tls_client(std::uint16_t port, const tls_client_options& o = {})
      : socket(port), context(SSL_CTX_new(TLS_client_method())) {
    SSL_CTX_set_min_proto_version(context.get(), o.version_min);
    SSL_CTX_set_max_proto_version(context.get(), o.version_max);
    if (o.version_min < TLS1_2_VERSION) SSL_CTX_set_security_level(context.get(), 0); // else it does not even ask
    if (!o.authority.empty()) {
      SSL_CTX_load_verify_file(context.get(), o.authority.c_str());
      SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    }
    session.reset(SSL_new(context.get()));
    if (!o.protocols.empty())
      SSL_set_alpn_protos(session.get(), reinterpret_cast<const unsigned char*>(o.protocols.data()),
        static_cast<unsigned>(o.protocols.size()));
    SSL_set_fd(session.get(), socket.descriptor());
    connected = SSL_connect(session.get()) == 1;
  }
  // False when the server has ended the connection.
  bool send(std::string_view bytes) {
    std::size_t n = 0;
    return SSL_write_ex(session.get(), bytes.data(), bytes.size(), &n) == 1 && n == bytes.size();
  }
  std::string read_until(std::string_view last) {
    std::string all, piece(65536, '\0');
    std::size_t n = 0;
    while (!all.ends_with(last) && SSL_read_ex(session.get(), piece.data(), piece.size(), &n) == 1)
      all.append(piece, 0, n);
    return all;
  }
  std::string read_to_end() { return read_until("\x01no message ends so\x01"); }
  // After the end: whether the server said that it is one.
  bool said_goodbye() const { return (SSL_get_shutdown(session.get()) & SSL_RECEIVED_SHUTDOWN) != 0; }
  // The common name in the server's certificate.
  std::string server_name() const {
    std::unique_ptr<X509, freed_by<X509_free>> shown{SSL_get1_peer_certificate(session.get())};
    return shown ? describe_certificate(*shown).value().common_name : std::string{};
  }
  std::string protocol() const {
    const unsigned char* chosen = nullptr;
    unsigned n = 0;
    SSL_get0_alpn_selected(session.get(), &chosen, &n);
    return {reinterpret_cast<const char*>(chosen), n};
  }

  raw_client socket;
  std::unique_ptr<SSL_CTX, freed_by<SSL_CTX_free>> context;
  std::unique_ptr<SSL, freed_by<SSL_free>> session;
  bool connected = false;
};

} // namespace troupe::test
