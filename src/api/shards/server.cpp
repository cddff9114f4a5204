#include "api/shards/server.hpp"

#include "api/shards/service.hpp"
#include "api/shards/tls_credentials.hpp"

#include <grpcpp/grpcpp.h>
#include <grpcpp/resource_quota.h>

namespace troupe::shards {
namespace {

constexpr int threads_max = 64;
constexpr std::size_t memory_bytes = std::size_t{256} << 20; // gRPC's own buffers
constexpr int message_bytes_max = 4 << 20;                   // gRPC's default, too: a batch has at most 3 MiB

} // namespace

struct server::impl {
  explicit impl(service_options o) : calls(std::move(o)) {}
  service calls;
  std::shared_ptr<grpc::ServerCredentials> credentials; // the listener's
  std::unique_ptr<grpc::Server> listener;
};

server::server(service_options o) : impl_(std::make_unique<impl>(std::move(o))) {}

result<std::unique_ptr<server>> server::start(const std::string& host, std::uint16_t port, service_options options,
  std::shared_ptr<const net::server_certificate> certificate) {
  std::unique_ptr<server> made{new server{std::move(options)}};
  const bool v6 = host.find(':') != std::string::npos;
  const auto where = (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
  int bound = 0;
  grpc::ServerBuilder builder;
  made->impl_->credentials =
    certificate ? make_tls_credentials(std::move(certificate)) : grpc::InsecureServerCredentials();
  builder.AddListeningPort(where, made->impl_->credentials, &bound);
  builder.RegisterService(&made->impl_->calls);
  builder.SetMaxReceiveMessageSize(message_bytes_max);
  builder.SetMaxSendMessageSize(message_bytes_max);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0); // else two processes take one port, and share its calls
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 128);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, 16 << 10);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 60'000); // finds clients that are gone without a word
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  grpc::ResourceQuota quota{"shards"};
  quota.SetMaxThreads(threads_max).Resize(memory_bytes);
  builder.SetResourceQuota(quota);
  made->impl_->listener = builder.BuildAndStart();
  if (!made->impl_->listener || bound == 0)
    return fail(
      ec::io_error, "cannot listen for shards on " + where + ": is the address in use, or not this machine's?");
  made->port_ = static_cast<std::uint16_t>(bound);
  return made;
}

server::~server() { stop(std::chrono::milliseconds{0}); }

void server::stop(std::chrono::milliseconds grace) {
  if (!impl_->listener) return;
  impl_->listener->Shutdown(
    gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(grace.count(), GPR_TIMESPAN)));
  impl_->listener->Wait();
  impl_->listener.reset();
}

} // namespace troupe::shards
