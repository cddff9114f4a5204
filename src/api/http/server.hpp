// server: listens, and serves HTTP/1.1 on io threads of its own: one io_context and one thread each, a coroutine per
// connection, sockets dealt to the least loaded thread.
//
// Life: construct, hang things on io(i).user, start(), stop(), destroy. stop() joins the io threads but keeps the
// io_contexts, so that actors that still answer are harmless. Handlers that never ended are unwound when the server is
// destroyed: what they use (whatever hangs on io(i).user) lives longer than the server, closed actor bridges too.
#pragma once

#include "api/http/config.hpp"
#include "api/http/worker.hpp"
#include "base/error.hpp"

#include <chrono>
#include <cstdint>
#include <memory>

namespace troupe::http {

class server {
public:
  explicit server(server_config config);
  // Stops without grace if it runs.
  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  // ec::bad_argument: host is no address. ec::conflict: the address is in use. ec::io_error: the kernel said no.
  result<> start();
  // The port it listens on, once started.
  std::uint16_t port() const;

  worker& io(unsigned i);
  unsigned threads() const;
  std::size_t connections() const;

  // Stops accepting, closes idle connections, lets requests finish until `grace` has passed, then cuts the rest.
  // Returns how many connections were cut. Not from an io thread. A second call does nothing.
  std::size_t stop(std::chrono::milliseconds grace);

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace troupe::http
