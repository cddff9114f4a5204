// server: listens with the shards service over gRPC, with TLS when there is a certificate. gRPC's own threads serve; they may wait for the disk and
// for actors.
#pragma once

#include "base/environment.hpp"
#include "base/error.hpp"
#include "base/monotonic_clock.hpp"
#include "volumes/kv_limits.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace troupe {
class shard_manager;
class identity_gate;
class tracer;
namespace http {
class observer;
}
namespace net {
class server_certificate;
}
} // namespace troupe

namespace troupe::shards {

struct service_options {
  std::string node;
  shard_manager* manager = nullptr;
  const identity_gate* identity = nullptr;
  http::observer* watcher = nullptr; // is told of every call
  wall_clock* clock = nullptr;
  const monotonic_clock* time = nullptr;
  entropy* random = nullptr;       // for the ids of calls
  std::shared_ptr<tracer> tracing; // nothing: off
  kv_limits limits;
  unsigned calls_max = 256; // at a time; more are refused
  unsigned scans_max = 16;  // of them: a slow reader holds one
};

class server {
public:
  // `port` 0: the kernel picks one. `certificate`: nothing for plain gRPC. The error names the address.
  static result<std::unique_ptr<server>> start(const std::string& host, std::uint16_t port, service_options,
    std::shared_ptr<const net::server_certificate> certificate = {});
  ~server();
  std::uint16_t port() const { return port_; }
  // Accepts nothing more, lets calls in flight finish until `grace` has passed, then cancels them. All threads have ended
  // when it returns.
  void stop(std::chrono::milliseconds grace);

private:
  struct impl; // gRPC's headers end there
  explicit server(service_options);
  std::unique_ptr<impl> impl_;
  std::uint16_t port_ = 0;
};

} // namespace troupe::shards
