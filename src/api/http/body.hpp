// body: what a handler reads a request's content from. Pull only: the socket is read when the handler asks, so TCP
// itself carries the back-pressure. One reader, on the connection's io thread.
#pragma once

#include "api/http/asio.hpp"
#include "api/http/chunked.hpp"
#include "api/http/failure.hpp"
#include "base/bytes.hpp"

#include <cstdint>
#include <optional>

namespace troupe::http {

struct connection_state;
struct request_head;

class body_source {
public:
  virtual ~body_source();
  // Bytes put at the start of dst, at least one; 0 only for the end of a complete body (or an empty dst). A short
  // body never looks complete: it throws peer_gone, or api_error with ec::incomplete_body when the client can still
  // be answered. Malformed framing: ec::bad_request; too slow: ec::request_timeout. After a throw, do not read again.
  virtual task<std::size_t> read(bytes_span dst) = 0;
};

// Fills dst unless the body ends first; returns how much is filled.
task<std::size_t> read_full(body_source& from, bytes_span dst);

// The content of the request at hand.
class body final : public body_source {
public:
  body(connection_state& connection, const request_head& head);

  // Content-Length; none when the length is not known beforehand (chunked). 0 when there is no body.
  std::optional<std::uint64_t> length() const { return chunked_ ? std::nullopt : std::optional{length_}; }
  bool chunked() const { return chunked_; }
  // The client sent "Expect: 100-continue" and has not been told to go on: the first read() tells it.
  bool awaiting_continue() const { return expects_; }
  // Everything has been read.
  bool done() const { return done_; }
  std::uint64_t received() const { return received_; }
  // Content-Length bytes that have not been read; 0 when chunked.
  std::uint64_t left() const { return left_; }

  task<std::size_t> read(bytes_span dst) override;

private:
  task<std::size_t> read_plain(bytes_span dst);
  task<std::size_t> read_chunked(bytes_span dst);
  task<std::size_t> receive(void* to, std::size_t n, std::size_t wanted);
  std::size_t take_buffered(bytes_span dst, std::uint64_t at_most);

  connection_state& connection_;
  chunked_decoder decoder_;
  std::size_t scratch_from_; // the connection's buffer behind the head: free for framing
  std::uint64_t length_ = 0, left_ = 0, received_ = 0;
  bool chunked_ = false, done_ = false, expects_ = false;
};

} // namespace troupe::http
