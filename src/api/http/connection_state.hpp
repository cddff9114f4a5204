// connection_state: what the parts of one connection (body, response, the connection itself, the deadline sweep) share:
// the stream, the buffer of the head and of what was read past it, and the deadline of the current phase.
// Internal to this folder.
#pragma once

#include "api/http/limits.hpp"
#include "api/http/stream.hpp"
#include "api/http/worker.hpp"

#include <cstdint>
#include <string>

namespace troupe::http {

enum class phase : std::uint8_t {
  idle,    // between requests
  fresh,   // accepted, nothing received yet (TLS: shaking hands, which has to end by the same deadline)
  head,    // reading a head
  body,    // waiting for the body that a handler wants
  working, // waiting for the handler: no deadline of ours
  write,   // waiting for the client to take the response
  linger,  // answered; dropping what the client still sends
};

struct connection_state {
  connection_state(tcp_socket socket, ssl_ctx_st* tls, worker& w, const http::limits& l)
      : io(std::move(socket), tls), home(w), bounds(l) {}

  stream io;
  worker& home;
  const http::limits& bounds;

  // Unread bytes are [pos, end) of buffer; the buffer is absent while the connection is parked.
  char* buffer = nullptr;
  std::size_t capacity = 0, pos = 0, end = 0;
  std::size_t buffered() const { return end - pos; }

  std::string fields, preamble; // of the response; kept for their capacity

  phase at = phase::fresh;
  steady::time_point deadline{}, since{};
  std::uint64_t mark = 0;       // io.progress() when `allowance` was last refilled
  steady::duration allowance{}; // waiting time left until stall_bytes_min must have moved
  bool timed_out = false;       // the sweep ended the current wait
  bool parked = false;          // waits without a buffer
  bool closing = false;         // no request after the current one

  connection_state *previous = nullptr, *next = nullptr; // the worker's list

  // A phase with a fixed end.
  void enter(phase p, steady::duration d);
  // A wait for the client to move bytes, and its end. stall_time is spent only while we wait, and is refilled each
  // time stall_bytes_min have moved: one byte a second does not hold a connection, a slow handler does not cost it.
  void wait_for_client(phase p);
  void back_to_handler();
  // By the sweep, when the deadline has passed: whether enough moved to go on.
  bool refill(steady::time_point now);
};

} // namespace troupe::http
