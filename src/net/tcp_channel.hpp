// tcp_channel: the channel between processes over TCP, with mutual TLS as soon as certificates are given; without them
// only loopback addresses are listened on and connected to. One io thread for each plane, so that neither waits for the
// other.
#pragma once

#include "base/environment.hpp"
#include "net/channel.hpp"
#include "net/faults.hpp"
#include "net/generation.hpp"
#include "net/peer_link.hpp"
#include "net/tls.hpp"

#include <memory>
#include <string>
#include <vector>

namespace troupe {

struct tcp_channel_options {
  std::string cluster; // its id: others are refused
  std::string node;
  std::string listen; // HOST:PORT; port 0: the kernel picks
  net::tls_files tls;
  std::shared_ptr<const net::fault_rules> faults; // nothing: none are injected
  std::shared_ptr<generation_keeper> generation;  // nothing: an own one, of generation 0, that takes over any other
  wall_clock* clock = nullptr;
  entropy* random = nullptr;
};

class tcp_channel final : public channel {
public:
  // Listens when this returns, and serves from start() on. ec::bad_argument, ec::access_denied, ec::io_error say what to do.
  static result<std::unique_ptr<tcp_channel>> open(tcp_channel_options);
  ~tcp_channel() override;
  void start(peer_handler);
  // Every call is answered, and no callback comes any more, when this returns.
  void stop();

  std::string address() const; // that it listens on, with the port it got
  void call(const peer_address&, plane, peer_message, std::chrono::milliseconds timeout, on_answer) override;
  void post(const peer_address&, plane, peer_message) override;
  // What waits for each peer, as of a moment ago. From any thread.
  std::vector<net::link_status> links() const;

private:
  struct impl;
  explicit tcp_channel(std::unique_ptr<impl>);
  std::unique_ptr<impl> impl_;
};

} // namespace troupe
