// actor_bridge: how coroutines of one io thread ask actors. One per io thread; used on that thread only.
//
// It is an actor without a mailbox: an answer is matched by its request id and posted to the io thread. Chosen over a
// mailbox actor per io thread because CAF then keeps nothing per request: an actor that never answers leaks no
// response handler, a deadline costs no CAF timeout (those live until they expire), and a late answer finds no entry
// and is dropped. Actors that we wake are scheduled by CAF, never run on the io thread.
//
// Order of ends: stop the server (io threads joined), close() the bridges, destroy the server with its io_contexts
// (coroutines that never ended unwind there, and may still send), then the bridges. Actors may answer at any time.
#pragma once

#include "api/http/asio.hpp"
#include "base/error.hpp"

#include <caf/actor_control_block.hpp>
#include <caf/fwd.hpp>
#include <caf/message.hpp>

#include <chrono>
#include <cstdint>
#include <memory>

namespace troupe::http {

class actor_bridge {
public:
  actor_bridge(caf::actor_system& system, asio::io_context& io);
  // Closes, if that has not been done. Only a closed bridge may outlive its io_context.
  ~actor_bridge();
  actor_bridge(const actor_bridge&) = delete;
  actor_bridge& operator=(const actor_bridge&) = delete;

  // The answer, or: ec::timeout after `limit` (looked at each sweep_time), ec::unavailable for no or a dead actor,
  // or what the actor answered. Most callers want ask() of ask.hpp.
  task<result<caf::message>> request(caf::strong_actor_ptr to, std::chrono::milliseconds limit, caf::message what);
  // Expects no answer. No actor: dropped.
  void send(const caf::strong_actor_ptr& to, caf::message what);
  // Ends every ask that waits with this error (its coroutine resumes within the call): for a server that stops.
  void fail_all(const error& why);
  // Ends what waits, and every later ask, with ec::closed; send() goes on working. On the io thread, or once it has
  // been joined. Gives up all hold on the io_context.
  void close();

  std::size_t outstanding() const;
  caf::actor_system& system() const { return system_; }

  static constexpr std::chrono::milliseconds sweep_time{50};

private:
  class port;
  struct gate;
  struct waiters;
  void answer(std::uint64_t id, caf::message what);
  void arm();
  void sweep();

  caf::actor_system& system_;
  asio::io_context& io_;
  std::shared_ptr<gate> gate_;
  std::unique_ptr<waiters> waiters_; // none once closed
  caf::strong_actor_ptr port_;
};

} // namespace troupe::http
