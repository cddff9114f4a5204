// response: how a handler answers. Either send(), or begin(), write() any number of times, finish(). Each write
// returns when the kernel has taken every byte: that is the back-pressure. All throw peer_gone when the client left
// or reads too slowly.
#pragma once

#include "api/http/asio.hpp"
#include "base/bytes.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace troupe::http {

struct connection_state;
class body;

class response {
public:
  struct framing {
    std::string_view request_id_field, request_id;
    std::string_view trace_response; // W3C's traceresponse; empty: none
    bool head_only = false;          // HEAD: headers as for GET, no body
    bool http10 = false;
    bool close = false;
    std::uint64_t drain_bytes_max = 0;
  };
  response(connection_state& connection, const http::body& content, framing how);

  int status = 200;
  // CR, LF and NUL are dropped from names and values. Content-Length, Transfer-Encoding, Connection and Date are the
  // server's business: setting one is ignored (pass a length to begin()).
  response& set(std::string_view name, std::string_view value);

  // The whole response.
  task<> send(std::string_view content = {});
  task<> send_chunk(chunk content);
  // A response in pieces. With a length, exactly that many bytes must follow, or the connection is cut; without one
  // it is chunked (until-close for HTTP/1.0). Writes of a HEAD, 204 or 304 are dropped, so that the code of a GET
  // can be shared.
  task<> begin(std::optional<std::uint64_t> length = {});
  task<> write(bytes_view content);
  // Called by the server after the handler as well; sends an empty response when none was begun.
  task<> finish();

  bool started() const { return started_; }
  bool finished() const { return finished_; }
  // Body bytes.
  std::uint64_t sent() const { return sent_; }

  // Close the connection after this response.
  bool close = false;

private:
  friend class connection;
  task<> start(std::optional<std::uint64_t> length, bytes_view content);
  void compose(std::optional<std::uint64_t> length);
  void reset();

  connection_state& connection_;
  const http::body& content_;
  framing how_;
  std::optional<std::uint64_t> length_;
  std::uint64_t sent_ = 0;
  bool started_ = false, finished_ = false, chunked_ = false, bodyless_ = false;
};

} // namespace troupe::http
