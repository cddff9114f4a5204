// front_door: one HTTP listener of a process: a server, and on each of its io threads what handlers need to speak to the
// actors.
//
// Order of ends: stop() (answers what is in flight, ends the io threads); close(); then the actors that it asks; then
// this object.
#pragma once

#include "api/http/config.hpp"
#include "api/objects/clustered_store.hpp"
#include "base/error.hpp"
#include "roles/host_port.hpp"

#include <caf/fwd.hpp>

#include <chrono>
#include <cstdint>
#include <memory>

namespace troupe::http {
class server;
}
namespace troupe::net {
class server_certificate;
}

namespace troupe {

struct front_door_options {
  const char* name = "S3"; // for messages
  host_port where;
  std::shared_ptr<const net::server_certificate> tls; // nothing: plain HTTP
  unsigned threads = 1;
  std::uint64_t memory_bytes = std::uint64_t{32} << 20; // what content in flight may hold, all threads together
  http::handler handle;
  std::function<std::string(
    const http::request*, const error&, int& status, std::string_view request_id, std::string& content_type)>
    render_error;
  // What goes on beside the requests, on the first io thread, until that ends; nothing: nothing does.
  std::function<http::task<>(http::worker&, object_store&, http::actor_bridge&)> background;
  http::observer* watcher = nullptr;
  std::size_t connections_max = 10'000;
  std::string request_id_field = "x-request-id";
  std::shared_ptr<tracer> tracing; // nothing: off
  std::string surface;             // its name in spans
};

class front_door {
public:
  front_door(caf::actor_system&, const clustered_store_options&, front_door_options);
  ~front_door();

  // The error names the address and the front door.
  result<> start();
  host_port where() const; // with the port it got
  // Stops accepting, lets requests in flight finish until `grace` has passed; returns how many were cut.
  std::size_t stop(std::chrono::milliseconds grace);
  // After stop(): gives up all hold on actors. Suspended coroutines end here, and still use what hangs on their threads.
  void close();

  // What hangs on the io thread of a request that any front door serves.
  static object_store& store_of(http::request&);
  static http::actor_bridge& actors_of(http::request&);

private:
  struct io_services;
  const char* name_;
  host_port where_;
  std::vector<std::unique_ptr<io_services>> services_; // one per io thread; outlive the server
  std::unique_ptr<http::server> server_;
  std::function<http::task<>(http::worker&, object_store&, http::actor_bridge&)> background_;
};

} // namespace troupe
