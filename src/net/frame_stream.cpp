#include "net/frame_stream.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <cstring>
#include <vector>

namespace troupe::net {
namespace {

constexpr auto outcome = asio::as_tuple(asio::use_awaitable_t<executor>{});
constexpr std::size_t buffer_bytes = std::size_t{64} << 10;
constexpr std::size_t read_direct_from = std::size_t{16} << 10; // less goes through the buffer, with what follows it
constexpr std::size_t batch_bytes = std::size_t{64} << 10;      // of small frames, written with one call

error broken(const boost::system::error_code& e) {
  if (e == asio::error::eof || e == asio::error::operation_aborted || e == asio::ssl::error::stream_truncated)
    return fail(ec::closed, "the connection ended");
  return fail(ec::unavailable, e.message());
}

template <class Stream>
class stream_of final : public frame_stream {
public:
  stream_of(Stream s, side which) : stream_(std::move(s)), side_(which), buffer_(buffer_bytes) {}

  task<result<>> connect(const asio::ip::tcp::endpoint& to, std::uint8_t plane) override {
    auto [e] = co_await stream_.lowest_layer().async_connect(to, outcome);
    if (e) co_return broken(e);
    // The first byte on a new connection: there is room for it.
    if (::send(stream_.lowest_layer().native_handle(), &plane, 1, MSG_NOSIGNAL) != 1)
      co_return fail(ec::unavailable, "the connection ended at once");
    co_return result<>{};
  }

  task<result<>> handshake() override {
    if constexpr (is_tls) {
      auto how = side_ == side::client ? asio::ssl::stream_base::client : asio::ssl::stream_base::server;
      auto [e] = co_await stream_.async_handshake(how, outcome);
      if (e) co_return fail(ec::unavailable, "TLS: " + e.message());
    }
    co_return result<>{};
  }

  task<result<frame>> read(std::size_t bytes_max) override {
    std::byte header[frame_header::bytes];
    auto taken = co_await take(header, sizeof header);
    if (!taken) co_return taken.error();
    auto parsed = parse_header(bytes_view{header});
    if (!parsed) co_return parsed.error();
    if (parsed->head_bytes > bytes_max || parsed->body_bytes > bytes_max)
      co_return fail(ec::too_large, "a first frame of " + std::to_string(parsed->head_bytes) + " bytes");
    frame f;
    f.header = *parsed;
    f.head.resize(f.header.head_bytes);
    taken = co_await take(reinterpret_cast<std::byte*>(f.head.data()), f.head.size());
    if (!taken) co_return taken.error();
    if (f.header.body_bytes != 0) {
      auto body = std::make_shared_for_overwrite<std::byte[]>(f.header.body_bytes);
      taken = co_await take(body.get(), f.header.body_bytes);
      if (!taken) co_return taken.error();
      f.body = chunk::adopt(std::move(body), f.header.body_bytes);
    }
    co_return std::move(f);
  }

  task<result<>> write(const std::string& bytes, const chunk& body) override {
    std::array<asio::const_buffer, 2> both{
      asio::buffer(bytes), asio::const_buffer{body.empty() ? nullptr : body.data(), body.size()}};
    auto [e, n] = co_await asio::async_write(stream_, both, outcome);
    if (e) co_return broken(e);
    co_return result<>{};
  }

  std::string peer_name() const override {
    if constexpr (is_tls)
      return net::peer_name(const_cast<Stream&>(stream_).native_handle()); // Asio has no const one
    else
      return {};
  }

  void close() override {
    boost::system::error_code ignored;
    stream_.lowest_layer().close(ignored);
  }

private:
  static constexpr bool is_tls = !std::is_same_v<Stream, tcp_socket>;

  // The next n bytes.
  task<result<>> take(std::byte* to, std::size_t n) {
    while (n > 0) {
      if (begin_ != end_) {
        auto some = std::min(n, end_ - begin_);
        std::memcpy(to, buffer_.data() + begin_, some);
        begin_ += some;
        to += some;
        n -= some;
        continue;
      }
      if (n >= read_direct_from) {
        auto [e, got] = co_await asio::async_read(stream_, asio::buffer(to, n), outcome);
        if (e) co_return broken(e);
        co_return result<>{};
      }
      auto [e, got] = co_await stream_.async_read_some(asio::buffer(buffer_), outcome);
      if (e) co_return broken(e);
      begin_ = 0;
      end_ = got;
    }
    co_return result<>{};
  }

  Stream stream_;
  side side_;
  std::vector<std::byte> buffer_;
  std::size_t begin_ = 0, end_ = 0;
};

} // namespace

outgoing outgoing::make(frame_kind kind, std::uint8_t method, std::uint64_t id, const std::string& head, chunk body) {
  outgoing o;
  o.id = id;
  o.bytes.reserve(frame_header::bytes + head.size());
  append_header(o.bytes,
    {.kind = kind,
      .method = method,
      .head_bytes = static_cast<std::uint32_t>(head.size()),
      .body_bytes = static_cast<std::uint32_t>(body.size()),
      .id = id});
  o.bytes += head;
  o.body = std::move(body);
  return o;
}

std::unique_ptr<frame_stream> make_tls_stream(tcp_socket socket, asio::ssl::context& context, side which) {
  using stream = asio::ssl::stream<tcp_socket>;
  return std::make_unique<stream_of<stream>>(stream{std::move(socket), context}, which);
}

std::unique_ptr<frame_stream> make_plain_stream(tcp_socket socket) {
  return std::make_unique<stream_of<tcp_socket>>(std::move(socket), side::client);
}

frame_writer::frame_writer(asio::io_context& io) : wake_(io, steady::time_point::max()) {}

void frame_writer::push(outgoing o) {
  bytes_ += o.size();
  queue_.push_back(std::move(o));
  if (queue_.size() == 1) wake_.cancel();
}

void frame_writer::drop(std::uint64_t id) {
  for (auto o = queue_.begin(); o != queue_.end(); ++o)
    if (o->id == id) {
      bytes_ -= o->size();
      queue_.erase(o);
      return;
    }
}

void frame_writer::clear() {
  for (auto& o : queue_) bytes_ -= o.size();
  queue_.clear();
}

void frame_writer::stop() {
  stopped_ = true;
  wake_.cancel();
}

task<result<>> frame_writer::run(frame_stream& stream) {
  stopped_ = false;
  std::string bytes;
  while (!stopped_) {
    if (queue_.empty()) {
      wake_.expires_at(steady::time_point::max());
      co_await wake_.async_wait(outcome);
      continue;
    }
    bytes.clear();
    chunk body;
    do {
      auto& next = queue_.front();
      bytes += next.bytes;
      body = std::move(next.body);
      queue_.pop_front();
    } while (!queue_.empty() && body.empty() && bytes.size() + queue_.front().bytes.size() <= batch_bytes);
    auto size = bytes.size() + body.size();
    auto written = co_await stream.write(bytes, body);
    bytes_ -= size;
    if (!written) co_return written.error();
  }
  co_return result<>{};
}

} // namespace troupe::net
