// load_connection: one connection of the load generator: connect, send, read the answer, count it, and again.
// Lives in the thread that runs its io_context.
#pragma once

#include "cli/load.hpp"
#include "cli/load_request.hpp"
#include "cli/response_reader.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>

namespace troupe::cli {

namespace asio = boost::asio;

// What the connections of one thread share.
struct load_shared {
  const load_config& config;
  asio::ip::tcp::endpoint address;
  std::string host;                  // for the server's certificate
  asio::ssl::context* tls = nullptr; // nothing: plain HTTP
  load_request_writer& writer;
  std::array<load_totals, load_kinds>& totals;
  std::chrono::steady_clock::time_point deadline;
};

class load_connection {
public:
  load_connection(asio::io_context&, load_shared&, unsigned number);

  void start() { next(); }
  // Gives up on a request that stalls for longer than the connection's limit, or on any when `now_or_never`.
  void sweep(std::chrono::steady_clock::time_point now, bool now_or_never);

private:
  using clock = std::chrono::steady_clock;
  using socket = asio::basic_stream_socket<asio::ip::tcp, asio::io_context::executor_type>;

  void next();
  void connect();
  void shake_hands();
  void connected(const boost::system::error_code&);
  void send();
  void read_more();
  void on_read(const boost::system::error_code&, std::size_t n);
  void on_both_done();
  void give_up(std::string kind);
  void count_success(clock::time_point now);
  void count_failure(const std::string& kind);
  void pause_then_next();

  load_shared& shared_;
  unsigned number_;
  socket socket_;
  std::optional<asio::ssl::stream<socket&>> tls_; // over the socket; made anew for each connection
  asio::basic_waitable_timer<clock, asio::wait_traits<clock>, asio::io_context::executor_type> timer_;
  std::unique_ptr<char[]> buffer_;
  std::string head_;
  response_reader reader_;
  std::optional<load_step> step_;
  std::string problem_; // why the running request fails; empty: it does not
  clock::time_point started_, moved_;
  bool writing_ = false, reading_ = false, connecting_ = false, answered_ = false;
};

} // namespace troupe::cli
