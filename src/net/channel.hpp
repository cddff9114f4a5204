// channel: how a process asks others. Two planes, so that bulk bytes never stand before a heartbeat or a Raft message:
// each has connections, queues and bounds of its own. An interface: TCP with mutual TLS (tcp_channel.hpp), or a simulated
// network in one thread (test/support).
//
// Thread-safe. Callbacks come from any thread, also from inside the call itself.
#pragma once

#include "base/bytes.hpp"
#include "base/error.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace troupe {

enum class plane : std::uint8_t { control, bulk };

struct peer_address {
  std::string node;    // who must answer there; empty: anybody of the cluster (a seed)
  std::string address; // HOST:PORT
  friend auto operator<=>(const peer_address&, const peer_address&) = default;
};

// A request, a reply or a post; `method` (actors/peer_methods.hpp) says how `head` is to be read.
struct peer_message {
  std::uint8_t method = 0;
  std::string head;
  chunk body;
};

class channel {
public:
  virtual ~channel() = default;

  // Calls `answered` exactly once. Errors of the way there: ec::unavailable: it was never sent, another try is harmless;
  // ec::slow_down: the queue to this peer is full; ec::timeout: no answer in time, or the connection broke: whether it
  // was carried out is not known. Else the answer, or the error that the peer answered with.
  using on_answer = std::function<void(result<peer_message>)>;
  virtual void call(
    const peer_address&, plane, peer_message, std::chrono::milliseconds timeout, on_answer answered) = 0;

  // Best effort, never answered. Posts to one peer keep their order.
  virtual void post(const peer_address&, plane, peer_message) = 0;
};

// What serves the requests of others. `answer` is to be called once, from any thread; it is empty for a post. When the
// last copy goes without a call, the peer is told ec::internal.
using peer_handler = std::function<void(const std::string& from_node, peer_message request, channel::on_answer answer)>;

} // namespace troupe
