#include "api/shards/tls_credentials.hpp"

#include "net/server_certificate.hpp"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include <mutex>

namespace troupe::shards {
namespace {

// gRPC's C++ classes of credentials are made once; its C interface can be asked again, before each handshake.
class tls_credentials final : public grpc::ServerCredentials {
public:
  explicit tls_credentials(std::shared_ptr<const net::server_certificate> c) : certificate_(std::move(c)) {
    credentials_ =
      grpc_ssl_server_credentials_create_with_options(grpc_ssl_server_credentials_create_options_using_config_fetcher(
        GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE, &tls_credentials::fetch, this));
  }
  ~tls_credentials() override { grpc_server_credentials_release(credentials_); }
  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor>&) override {} // there is none

private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), credentials_);
  }
  static grpc_ssl_certificate_config_reload_status fetch(void* self, grpc_ssl_server_certificate_config** config) {
    return static_cast<tls_credentials*>(self)->newer(config);
  }
  grpc_ssl_certificate_config_reload_status newer(grpc_ssl_server_certificate_config** config) {
    const std::lock_guard lock{mutex_};
    const auto version = certificate_->version(); // before what it names: at worst the same is taken twice
    if (version == taken_) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    const auto pem = certificate_->pem();
    grpc_ssl_pem_key_cert_pair pair{.private_key = pem.key.c_str(), .cert_chain = pem.certificate.c_str()};
    // Without certificates to check clients by it aborts, though none are asked for: it gets some that are of no use.
    *config = grpc_ssl_server_certificate_config_create(pem.certificate.c_str(), &pair, 1); // copies
    taken_ = version;
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  const std::shared_ptr<const net::server_certificate> certificate_;
  grpc_server_credentials* credentials_ = nullptr;
  std::mutex mutex_;
  std::uint64_t taken_ = 0; // the version that gRPC has
};

} // namespace

std::shared_ptr<grpc::ServerCredentials> make_tls_credentials(std::shared_ptr<const net::server_certificate> c) {
  return std::make_shared<tls_credentials>(std::move(c));
}

} // namespace troupe::shards
