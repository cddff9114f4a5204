// config: what a server is made of: where it listens, its bounds, and the functions that answer, render errors and
// watch.
#pragma once

#include "api/http/limits.hpp"
#include "api/http/request.hpp"
#include "base/environment.hpp"
#include "base/error.hpp"
#include "core/tracer.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace troupe::net {
class server_certificate;
}

namespace troupe::http {

class worker;

// One line of an access log. Views are valid during the call; method and target are empty when the head did not parse.
struct access_record {
  std::string_view id, remote, method, target, host, user_agent, operation, principal, action, resource;
  int status = 0; // 499: the client left before the whole response was sent
  std::uint64_t bytes_in = 0, bytes_out = 0;
  std::chrono::nanoseconds took{};
  bool tls = false;
};

// Called on io threads, several at a time: must be thread-safe and quick.
class observer {
public:
  virtual ~observer();
  virtual void finished(const access_record&) {}
  // A handler threw something that is neither api_error nor peer_gone: a bug. The client sees ec::internal.
  virtual void failed(std::string_view request_id, std::string_view what) {
    (void)request_id;
    (void)what;
  }
  virtual void opened() {}
  virtual void closed() {}
};

struct server_config {
  wall_clock& clock; // dates, now_unix_ms()
  entropy& random;   // request ids
  http::handler handle;
  // The body of an error's answer, its content type, and its status (preset for errors of the server itself, 500
  // otherwise). The request is null when its head could not be parsed.
  std::function<std::string(
    const request*, const error&, int& status, std::string_view request_id, std::string& content_type)>
    render_error;
  // Called on each io thread when the grace of stop() has ended: fail what handlers still wait for.
  std::function<void(worker&)> cut;
  http::limits limits;
  unsigned threads = 1;
  std::string host = "127.0.0.1";                     // a numeric address; "0.0.0.0" or "::" for all
  std::uint16_t port = 0;                             // 0: the kernel picks, see server::port()
  std::shared_ptr<const net::server_certificate> tls; // nothing: plain HTTP
  http::observer* watcher = nullptr;
  // Above it a request is answered ec::slow_down and its connection closed; far above it, closed unanswered.
  std::size_t connections_max = 10'000;
  std::string request_id_field = "x-amz-request-id";
  std::shared_ptr<tracer> tracing; // nothing: off
  std::string surface;             // a front door's name, for the spans of its requests
};

} // namespace troupe::http
