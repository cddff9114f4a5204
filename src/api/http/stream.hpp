// stream: the bytes of one non-blocking connection, plain or TLS, as coroutines. TLS runs OpenSSL directly on the
// descriptor: no staging buffers as in asio::ssl::stream (0.63 of nginx's CPU on a large GET). Knows nothing of HTTP.
// One reader and one writer at a time, on the socket's io thread.
#pragma once

#include "api/http/asio.hpp"
#include "base/bytes.hpp"

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/system/error_code.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>

struct ssl_st;
struct ssl_ctx_st;

namespace troupe::http {

using tcp_socket = asio::basic_stream_socket<asio::ip::tcp, executor>;
using boost::system::error_code;

// What a read came to; no error and no bytes is the end of the stream.
struct read_result {
  error_code error;
  std::size_t bytes = 0;
};

// What came of a TLS handshake. in_the_clear: what the client sent first is no TLS, but may be a request; the stream is a
// plain one from now on, so that it can be answered.
struct handshake_result {
  error_code error;
  bool in_the_clear = false;
};

class stream {
public:
  // With a context, which is kept alive, a TLS server end: handshake() comes first. tls == nullptr: plain.
  stream(tcp_socket socket, ssl_ctx_st* tls);
  // Says goodbye, unless the end is a cut: a client can tell the two apart.
  ~stream();
  stream(const stream&) = delete;
  stream& operator=(const stream&) = delete;

  bool tls() const { return ssl_ != nullptr; }
  tcp_socket& socket() { return socket_; }
  // Bytes moved both ways: what the deadline sweep looks at.
  std::uint64_t progress() const { return progress_; }
  // What has come while a read_some() waits for more.
  std::uint64_t unread() const;

  task<handshake_result> handshake();
  // For bytes that are likely there already. When there are none, wakes up no sooner than for `wanted` of them (which
  // are certain to come), the end or an error: not for each packet.
  task<read_result> read_some(void* to, std::size_t n, std::size_t wanted = 1);
  // For bytes that are likely not there yet: goes to the reactor at once, which saves a failing system call.
  task<read_result> read_later(void* to, std::size_t n);
  // Never suspends; nothing there is 0 bytes (and so is an error, which the next read reports).
  std::size_t read_now(void* to, std::size_t n);
  task<error_code> wait_readable();
  // Returns when the kernel has taken every byte of a, b and c: the back-pressure that a writer feels.
  task<error_code> write(bytes_view a, bytes_view b = {}, bytes_view c = {});

  // The kernel, or TLS, holds bytes that nobody has read yet.
  bool has_unread() const;

  // Tells a TLS client that nothing more comes, once; nothing on a plain stream, or when the session is broken.
  void say_goodbye();
  void shutdown_write(); // after a goodbye
  // Ends pending operations with operation_aborted; the connection can still be used.
  void cancel();
  // Ends the connection; pending operations fail.
  void abort();
  // When the connection is closed, the client sees a reset and not a regular end.
  void reset_on_close();

private:
  void wake_at(std::size_t bytes);
  task<read_result> read_woken(void* to, std::size_t n);
  task<read_result> read_tls(void* to, std::size_t n, std::size_t wanted);
  task<> take_turns(std::size_t moved);
  task<error_code> wait_tls(int result, std::size_t wanted = 1);
  task<read_result> wait_for_first_byte(char& first);
  task<error_code> write_plain(bytes_view a, bytes_view b, bytes_view c);
  task<error_code> write_tls(bytes_view a, bytes_view b, bytes_view c);
  task<error_code> write_record(bytes_view b);

  tcp_socket socket_;
  ssl_st* ssl_ = nullptr;
  bool cut_ = false; // the TLS session is broken, or was ended on purpose: nothing more can be said in it
  std::uint64_t progress_ = 0;
  std::size_t low_water_ = 1;  // what must have come before the socket counts as readable
  std::size_t turn_bytes_ = 0; // moved since this connection last waited
};

} // namespace troupe::http
