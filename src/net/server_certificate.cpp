#include "net/server_certificate.hpp"

#include "codec/openssl_handles.hpp"
#include "store/text_file.hpp"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <string_view>
#include <vector>

namespace troupe::net {
namespace {

using x509_ptr = openssl_ptr<X509, X509_free>;
using key_ptr = openssl_ptr<EVP_PKEY, EVP_PKEY_free>;
using bio_ptr = openssl_ptr<BIO, BIO_free_all>;

constexpr std::uint64_t pem_bytes_max = std::uint64_t{256} << 10;
constexpr std::size_t chain_max = 16;
constexpr std::size_t read_buffer_bytes = std::size_t{64} << 10; // while a connection reads: four records
// Of TLS 1.2: an ephemeral key exchange and an AEAD. Those of TLS 1.3 are all so.
constexpr const char* ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr std::string_view http11 = "\x08http/1.1";

// Without it OpenSSL would ask for the password of an encrypted key on the terminal.
int no_password(char*, int, int, void*) { return -1; }

bio_ptr reader(const std::string& text) {
  return bio_ptr{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))}; // at most pem_bytes_max
}

// The server's certificate first.
result<std::vector<x509_ptr>> parse_chain(const std::string& pem, const std::string& file) {
  const auto in = reader(pem);
  std::vector<x509_ptr> chain;
  while (in) {
    x509_ptr next{PEM_read_bio_X509(in.get(), nullptr, &no_password, nullptr)};
    if (!next) break;
    if (chain.size() == chain_max)
      return fail(ec::bad_argument, file + ": has more than " + std::to_string(chain_max) + " certificates");
    chain.push_back(std::move(next));
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (!at_end || chain.empty())
    return openssl_failed((file + ": is no certificate in PEM form").c_str(), ec::bad_argument);
  ERR_clear_error();
  return chain;
}

result<key_ptr> parse_key(const std::string& pem, const std::string& file) {
  const auto in = reader(pem);
  key_ptr key{in ? PEM_read_bio_PrivateKey(in.get(), nullptr, &no_password, nullptr) : nullptr};
  if (!key)
    return openssl_failed(
      (file + ": is no private key in PEM form, or an encrypted one, which can not be used").c_str(), ec::bad_argument);
  return key;
}

// A client that offers protocols must offer HTTP/1.1; one that offers none means it (RFC 7301).
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_bytes, const unsigned char* offered,
  unsigned offered_bytes, void*) {
  unsigned char* chosen = nullptr;
  auto found = SSL_select_next_proto(&chosen, out_bytes, reinterpret_cast<const unsigned char*>(http11.data()),
    static_cast<unsigned>(http11.size()), offered, offered_bytes);
  *out = chosen;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

result<std::shared_ptr<SSL_CTX>> make_context() {
  std::shared_ptr<SSL_CTX> made{SSL_CTX_new(TLS_server_method()), &SSL_CTX_free};
  auto* c = made.get();
  if (c == nullptr || SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION) != 1 ||
    SSL_CTX_set_max_proto_version(c, TLS1_3_VERSION) != 1 || SSL_CTX_set_cipher_list(c, ciphers) != 1)
    return openssl_failed("TLS does not start");
  SSL_CTX_set_options(c,
    SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
      SSL_OP_IGNORE_UNEXPECTED_EOF); // the framing of HTTP says where a message ends
  // What api/http's stream needs: it writes again from another address, and idle connections keep no buffers.
  SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(c, 1); // records as they come, not their headers first
  SSL_CTX_set_default_read_buffer_len(c, read_buffer_bytes);
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF); // sessions are resumed by tickets, which cost no memory here
  SSL_CTX_set_num_tickets(c, 1);
  SSL_CTX_set_alpn_select_cb(c, &choose_protocol, nullptr);
  return made;
}

struct usable {
  std::shared_ptr<SSL_CTX> context;
  unix_ms valid_until = 0;
};

result<usable> make_usable(const certificate_and_key& pem, const certificate_files& files) {
  ERR_clear_error();
  auto chain = parse_chain(pem.certificate, files.certificate);
  if (!chain) return chain.error();
  auto key = parse_key(pem.key, files.key);
  if (!key) return key.error();
  auto& own = chain->front();
  if (X509_check_private_key(own.get(), key->get()) != 1) {
    ERR_clear_error();
    return fail(ec::bad_argument, files.key + ": is not the key of the certificate in " + files.certificate);
  }
  auto made = make_context();
  if (!made) return made.error();
  auto* c = made->get();
  bool taken = SSL_CTX_use_certificate(c, own.get()) == 1 && SSL_CTX_use_PrivateKey(c, key->get()) == 1;
  for (std::size_t i = 1; taken && i < chain->size(); ++i) taken = SSL_CTX_add1_chain_cert(c, (*chain)[i].get()) == 1;
  if (!taken) return openssl_failed((files.certificate + ": can not be used").c_str(), ec::bad_argument);
  return usable{.context = std::move(*made), .valid_until = end_of_certificate(*own)};
}

} // namespace

result<std::shared_ptr<server_certificate>> server_certificate::load(certificate_files files) {
  std::shared_ptr<server_certificate> made{new server_certificate{std::move(files)}};
  if (auto read = made->refresh(); !read) return read.error();
  return made;
}

result<bool> server_certificate::refresh() {
  auto certificate = read_text_file(files_.certificate, pem_bytes_max);
  if (!certificate) return certificate.error();
  auto key = read_text_file(files_.key, pem_bytes_max);
  if (!key) return key.error();
  certificate_and_key found{.certificate = std::move(*certificate), .key = std::move(*key)};
  if (found.certificate == pem_.certificate && found.key == pem_.key) return false; // only this thread writes it
  auto made = make_usable(found, files_);
  if (!made) return made.error();
  const std::lock_guard lock{mutex_};
  pem_ = std::move(found);
  context_ = std::move(made->context);
  valid_until_ = made->valid_until;
  ++version_;
  return true;
}

std::shared_ptr<ssl_ctx_st> server_certificate::context() const {
  const std::lock_guard lock{mutex_};
  return context_;
}

certificate_and_key server_certificate::pem() const {
  const std::lock_guard lock{mutex_};
  return pem_;
}

std::uint64_t server_certificate::version() const {
  const std::lock_guard lock{mutex_};
  return version_;
}

unix_ms server_certificate::valid_until() const {
  const std::lock_guard lock{mutex_};
  return valid_until_;
}

} // namespace troupe::net
