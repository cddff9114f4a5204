// frame_stream: frames over one connected socket, with TLS or without. Reads large bodies straight into the buffer that
// is handed on; writes many small frames with one call. One thread; one read and one write at a time.
#pragma once

#include "codec/frame.hpp"
#include "net/asio.hpp"
#include "net/tls.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <deque>
#include <memory>
#include <string>

namespace troupe::net {

using tcp_socket = asio::basic_stream_socket<asio::ip::tcp, executor>;

struct frame {
  frame_header header;
  std::string head;
  chunk body;
};

// A frame on its way out: header and head, then the body.
struct outgoing {
  static outgoing make(frame_kind kind, std::uint8_t method, std::uint64_t id, const std::string& head, chunk body);
  std::size_t size() const { return bytes.size() + body.size(); }
  std::string bytes;
  chunk body;
  std::uint64_t id = 0;
};

inline constexpr std::size_t hello_bytes_max = 4096;

class frame_stream {
public:
  virtual ~frame_stream() = default;
  // Of a socket that is open. The first byte, in the clear, says which plane the connection is for.
  virtual task<result<>> connect(const asio::ip::tcp::endpoint&, std::uint8_t plane) = 0;
  // The TLS handshake; nothing to do without TLS.
  virtual task<result<>> handshake() = 0;
  // ec::closed when the peer ended the connection between two frames.
  // ec::too_large, before anything is allocated, for a head or a body over `bytes_max`: small until the peer is known.
  virtual task<result<frame>> read(std::size_t bytes_max = frame_header::head_bytes_max) = 0;
  // Header, head and body of one frame, or several frames' bytes and the last one's body.
  virtual task<result<>> write(const std::string& bytes, const chunk& body) = 0;
  virtual std::string peer_name() const = 0; // by its certificate; empty without TLS
  // Ends what waits in read() or write(). Not a clean TLS end: frames say where they end.
  virtual void close() = 0;
};

enum class side : std::uint8_t { client, server };
// `context` outlives the stream's making only.
std::unique_ptr<frame_stream> make_tls_stream(tcp_socket, asio::ssl::context&, side);
std::unique_ptr<frame_stream> make_plain_stream(tcp_socket);

// The frames that wait to be written, and the loop that writes them.
class frame_writer {
public:
  explicit frame_writer(asio::io_context&);
  void push(outgoing);
  std::size_t bytes() const { return bytes_; } // waiting, and being written
  // Forgets what waits under that id (its caller gave up).
  void drop(std::uint64_t id);
  void clear();
  // Writes until a write fails or stop(); then returns.
  task<result<>> run(frame_stream&);
  void stop();

private:
  asio::basic_waitable_timer<steady, asio::wait_traits<steady>, executor> wake_;
  std::deque<outgoing> queue_;
  std::size_t bytes_ = 0;
  bool stopped_ = false;
};

} // namespace troupe::net
