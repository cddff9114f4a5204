#include "http_fixture.hpp"

#include <catch2/catch.hpp>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>

using namespace troupe;
using namespace troupe::test;

namespace {

template <auto Free>
struct freed_by {
  template <class T>
  void operator()(T* p) const {
    Free(p);
  }
};
using key_pointer = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>>;
using certificate_pointer = std::unique_ptr<X509, freed_by<X509_free>>;
using context_pointer = std::unique_ptr<SSL_CTX, freed_by<SSL_CTX_free>>;
using session_pointer = std::unique_ptr<SSL, freed_by<SSL_free>>;

context_pointer server_context() {
  key_pointer key{EVP_EC_gen("P-256")};
  certificate_pointer certificate{X509_new()};
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key.get());
  X509_sign(certificate.get(), key.get(), EVP_sha256());
  context_pointer c{SSL_CTX_new(TLS_server_method())};
  SSL_CTX_set_mode(c.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  REQUIRE(SSL_CTX_use_certificate(c.get(), certificate.get()) == 1);
  REQUIRE(SSL_CTX_use_PrivateKey(c.get(), key.get()) == 1);
  return c;
}

// A TLS client over a raw_client's socket.
struct tls_client {
  explicit tls_client(std::uint16_t port)
      : socket(port), context(SSL_CTX_new(TLS_client_method())), session(SSL_new(context.get())) {
    SSL_set_fd(session.get(), socket.descriptor());
    connected = SSL_connect(session.get()) == 1;
  }
  void send(std::string_view bytes) {
    std::size_t n = 0;
    REQUIRE(SSL_write_ex(session.get(), bytes.data(), bytes.size(), &n) == 1);
    REQUIRE(n == bytes.size());
  }
  std::string read_until(std::string_view last) {
    std::string all, piece(65536, '\0');
    std::size_t n = 0;
    while (!all.ends_with(last) && SSL_read_ex(session.get(), piece.data(), piece.size(), &n) == 1)
      all.append(piece, 0, n);
    return all;
  }
  raw_client socket;
  context_pointer context;
  session_pointer session;
  bool connected = false;
};

} // namespace

TEST_CASE_METHOD(http_fixture, "requests and large bodies go over TLS both ways") {
  auto tls = server_context();
  auto c = config();
  c.tls = tls.get();
  tls_client client{start(std::move(c))};
  REQUIRE(client.connected);
  client.send(get("/hello"));
  CHECK(client.read_until("hello").ends_with("\r\n\r\nhello"));
  std::string content(3'000'000, 'p');
  client.send(put("/count", content));
  CHECK(client.read_until("\r\n\r\n3000000").ends_with("3000000"));
  client.send(get("/sized?n=3000000", "Connection: close\r\n"));
  auto all = client.read_until("never");
  CHECK(all.size() - all.find("\r\n\r\n") - 4 == 3'000'000);
  CHECK(SSL_get_shutdown(client.session.get()) == SSL_RECEIVED_SHUTDOWN); // a proper end, not a cut
  CHECK(watcher.wait([](auto& w) { return w.lines.size() == 3; }));
}

TEST_CASE_METHOD(http_fixture, "a client that does not shake hands is closed, and harms nobody") {
  auto tls = server_context();
  auto c = config();
  c.tls = tls.get();
  c.limits.head_time = 500ms;
  auto port = start(std::move(c));
  raw_client silent{port}, plain{port};
  plain.send(get("/hello"));
  plain.wait_end();
  silent.wait_end();
  CHECK(watcher.wait([](auto& w) { return w.open == 0; }));
  CHECK(watcher.lines.empty());
  tls_client good{port};
  good.send(get("/hello"));
  CHECK(good.read_until("hello").ends_with("hello"));
}

TEST_CASE_METHOD(http_fixture, "a TLS client that vanishes ends its handler") {
  auto tls = server_context();
  auto c = config();
  c.tls = tls.get();
  auto port = start(std::move(c));
  {
    tls_client client{port};
    client.send(get("/sized?n=1000000000"));
    client.read_until("\r\n\r\n");
    client.socket.leave_with_reset();
  }
  CHECK(watcher.wait([](auto& w) { return w.open == 0; }));
  CHECK(watcher.lines.at(0).status == 499);
}
