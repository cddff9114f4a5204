// inbound: a connection that another process made: checks who it is, then serves its requests. Stops reading while too
// much is unanswered, so a caller that is faster than we are waits in its own queue. Lives on the channel's io thread.
#pragma once

#include "net/peer_link.hpp"

#include <memory>

namespace troupe::net {

struct inbound_limits {
  std::size_t requests_max = 256;                 // of one connection, without an answer
  std::size_t bytes_max = std::size_t{64} << 20;  // of one connection: requests and answers
  std::chrono::milliseconds hello_timeout{5'000}; // TLS and hello together
};

class inbound : public std::enable_shared_from_this<inbound> {
public:
  inbound(const link_environment&, const inbound_limits&, peer_handler, std::shared_ptr<frame_stream>);
  void start();
  void close();
  bool closed() const { return closed_; }

private:
  task<> run();
  task<result<>> accept_hello();
  task<> wait_for_room();
  void serve(frame f);
  void answered(std::uint64_t id, std::uint8_t method, std::size_t request_bytes, result<peer_message>);

  const link_environment& env_;
  const inbound_limits& limits_;
  peer_handler handler_;
  std::shared_ptr<frame_stream> stream_;
  std::shared_ptr<frame_writer> writer_;
  asio::basic_waitable_timer<steady, asio::wait_traits<steady>, executor> room_;
  std::string node_; // who is at the other end
  std::size_t requests_ = 0, request_bytes_ = 0;
  bool closed_ = false;
};

} // namespace troupe::net
