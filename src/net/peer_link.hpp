// peer_link: the connection of one plane to one peer, made when it is needed and again after it broke. Requests wait in a
// bounded queue until they are written; each has a deadline; a peer that can not be reached answers at once while the
// pause before the next try lasts. Lives on the channel's io thread.
#pragma once

#include "base/log_limit.hpp"
#include "net/channel.hpp"
#include "net/faults.hpp"
#include "net/frame_stream.hpp"
#include "net/generation.hpp"
#include "net/known_peers.hpp"
#include "troupe.pb.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace troupe::net {

// What every connection of a process has in common.
struct link_environment {
  asio::io_context& io;
  tls_files tls;                                                // none: plain, loopback only
  std::function<pb::hello()> hello;                             // ours
  std::chrono::milliseconds connect_timeout{3'000};             // TCP, TLS and hello together
  std::chrono::milliseconds pause_first{100}, pause_max{2'000}; // after a failed try
  std::size_t queued_bytes_max = std::size_t{64} << 20;         // of one link
  std::shared_ptr<known_peers> known;                           // of the whole process
  std::shared_ptr<log_limit> refusals;                          // lines about connections that were refused
  std::shared_ptr<const fault_rules> faults;                    // nothing: none
  std::size_t calls_max = 16'384;                               // of one link, without an answer
  std::shared_ptr<generation_keeper> generation;                // of the whole process
};

// What both ends check of the other's hello. ec::incompatible, ec::conflict, ec::access_denied: for an operator.
result<> check_hello(const pb::hello& ours, const pb::hello& theirs, const std::string& certificate_name);
// What a hello's frame holds: pb::hello, and the generation of the metadata group.
std::string hello_head(const link_environment&, const pb::hello& ours);
// What a hello that passed check_hello() says of the metadata group; may change this process.
result<> meet_generation(generation_keeper&, const std::string& node, const std::string& head);
bool is_older(const generation_keeper&, const std::string& head);

// What waits for a peer, for operators.
struct link_status {
  std::string node; // empty: a seed whose name is not known
  plane which = plane::control;
  bool connected = false;
  std::uint64_t queued_bytes = 0; // not written yet
  std::uint64_t unanswered = 0;   // requests
};

class peer_link : public std::enable_shared_from_this<peer_link> {
public:
  peer_link(const link_environment&, peer_address to, plane);
  void call(peer_message, std::chrono::milliseconds timeout, channel::on_answer);
  void post(peer_message);
  void expire(steady::time_point now);     // to be called every now and then
  void close();                            // every call is answered; nothing is sent any more
  bool idle(steady::time_point now) const; // has no connection worth keeping
  link_status status() const;

private:
  struct pending {
    steady::time_point until;
    channel::on_answer answered;
    bool written = false; // may have reached the peer
  };

  std::string who() const; // for messages
  // Puts it in the queue; a fault rule may keep it from there, for a time or for ever.
  void send(outgoing);
  bool ready_to_send(const channel::on_answer&);
  task<> connect_and_read();
  task<result<>> connect();
  task<result<>> exchange_hellos();
  task<> write();
  void failed(const error& why);
  void answer(frame f);

  const link_environment& env_;
  peer_address to_;
  plane plane_;
  // Of this connection, or of the try that goes on; its coroutines hold them, too.
  std::shared_ptr<frame_stream> stream_;
  std::shared_ptr<frame_writer> writer_;
  std::map<std::uint64_t, pending> calls_;
  std::uint64_t next_id_ = 1;
  bool connecting_ = false, connected_ = false, closed_ = false;
  std::optional<error> last_failure_; // of connecting
  bool failure_told_ = false;
  steady::time_point next_try_{};
  std::chrono::milliseconds pause_{0};
  steady::time_point last_used_{};
};

} // namespace troupe::net
