#include "cli/load_connection.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/write.hpp>

namespace troupe::cli {

namespace {

constexpr std::size_t buffer_bytes = std::size_t{256} << 10;
constexpr std::chrono::milliseconds pause_after_failure{50}; // a closed loop would hammer a server that refuses

} // namespace

load_connection::load_connection(asio::io_context& io, load_shared& shared, unsigned number)
    : shared_(shared),
      number_(number),
      socket_(io),
      timer_(io),
      buffer_(std::make_unique_for_overwrite<char[]>(buffer_bytes)) {}

void load_connection::next() {
  step_.reset();
  if (clock::now() < shared_.deadline && !shared_.config.stop.stop_requested()) step_ = shared_.config.next(number_);
  boost::system::error_code ignored;
  if (!step_) {
    socket_.close(ignored);
    return; // nothing is outstanding: the io_context runs out of work
  }
  problem_.clear();
  reader_.reset();
  answered_ = false;
  socket_.is_open() ? send() : connect();
}

void load_connection::connect() {
  connecting_ = true;
  started_ = moved_ = clock::now();
  socket_.async_connect(shared_.address, [this](const boost::system::error_code& e) {
    if (e || shared_.tls == nullptr) return connected(e);
    shake_hands();
  });
}

void load_connection::shake_hands() {
  tls_.emplace(socket_, *shared_.tls);
  boost::system::error_code no_name;
  asio::ip::make_address(shared_.host, no_name);
  if (no_name) SSL_set_tlsext_host_name(tls_->native_handle(), shared_.host.c_str()); // addresses are not sent
  tls_->async_handshake(asio::ssl::stream_base::client, [this](const boost::system::error_code& e) { connected(e); });
}

void load_connection::connected(const boost::system::error_code& e) {
  connecting_ = false;
  boost::system::error_code ignored;
  if (e) {
    socket_.close(ignored);
    count_failure(problem_.empty() ? "connect: " + e.message() : problem_);
    return pause_then_next();
  }
  socket_.set_option(asio::ip::tcp::no_delay{true}, ignored);
  send();
}

void load_connection::send() {
  const auto& body = shared_.config.body;
  const auto put = step_->kind == load_kind::put;
  shared_.writer.write(head_, put ? "PUT" : "GET", step_->key, body.size(), system_clock_source().now());
  started_ = moved_ = clock::now(); // after signing: the server's latency is measured, not ours
  reading_ = writing_ = true;
  const std::array<asio::const_buffer, 2> buffers{
    asio::buffer(head_), put ? asio::buffer(body.data(), body.size()) : asio::const_buffer{}};
  // An error may be answered before the body has been sent: both directions run at once.
  const auto moving = [this](const boost::system::error_code& e, std::size_t n) { // called for each piece that went
    moved_ = n == 0 ? moved_ : clock::now();
    return e ? std::size_t{0} : std::size_t{1} << 20;
  };
  const auto written = [this](const boost::system::error_code& e, std::size_t) {
    writing_ = false;
    if (e && !answered_ && problem_.empty()) problem_ = "send: " + e.message();
    on_both_done();
  };
  if (shared_.tls != nullptr)
    asio::async_write(*tls_, buffers, moving, written);
  else
    asio::async_write(socket_, buffers, moving, written);
  read_more();
}

void load_connection::read_more() {
  const auto into = asio::buffer(buffer_.get(), buffer_bytes);
  const auto got = [this](const boost::system::error_code& e, std::size_t n) { on_read(e, n); };
  if (shared_.tls != nullptr)
    tls_->async_read_some(into, got);
  else
    socket_.async_read_some(into, got);
}

void load_connection::on_read(const boost::system::error_code& e, std::size_t n) {
  moved_ = clock::now();
  const auto got = e ? reader_.ended() : reader_.take({buffer_.get(), n});
  if (!e && got == response_reader::progress::more) return read_more();
  reading_ = false;
  if (got == response_reader::progress::complete) {
    answered_ = true;
    boost::system::error_code ignored;
    if (writing_) socket_.close(ignored); // answered early: the rest of the body is not wanted
  } else if (problem_.empty() || problem_.starts_with("send: ")) {
    give_up(!e                  ? "not HTTP"
        : e == asio::error::eof ? (reader_.begun() ? "answer cut short" : "closed without an answer")
                                : "receive: " + e.message());
  }
  on_both_done();
}

void load_connection::on_both_done() {
  if (reading_ || writing_) return;
  const auto now = clock::now();
  boost::system::error_code ignored;
  if (!answered_) {
    socket_.close(ignored);
    count_failure(problem_);
    return pause_then_next();
  }
  if (!reader_.keep_alive()) socket_.close(ignored);
  if (reader_.status() / 100 != 2) {
    count_failure(reader_.error_kind());
    return pause_then_next();
  }
  if (step_->kind == load_kind::get && reader_.body_bytes() != shared_.config.body.size()) {
    count_failure("wrong size");
    return pause_then_next();
  }
  count_success(now);
  next();
}

void load_connection::give_up(std::string kind) {
  problem_ = std::move(kind);
  boost::system::error_code ignored;
  socket_.close(ignored); // ends whatever is outstanding
}

void load_connection::sweep(clock::time_point now, bool now_or_never) {
  if (!step_ || !(reading_ || writing_ || connecting_)) return;
  const auto limit = connecting_ ? shared_.config.where.connect_timeout : shared_.config.where.stall_timeout;
  if (now_or_never || now - moved_ > limit) give_up(connecting_ ? "connect: timeout" : "timeout");
}

void load_connection::count_success(clock::time_point now) {
  if (now > shared_.deadline) return;
  auto& totals = shared_.totals[static_cast<std::size_t>(step_->kind)];
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(now - started_).count();
  totals.latency.add(static_cast<std::uint64_t>(us));
  totals.bytes += shared_.config.body.size();
  if (auto* const gauge = shared_.config.gauge) {
    gauge->operations.fetch_add(1, std::memory_order_relaxed);
    gauge->bytes.fetch_add(shared_.config.body.size(), std::memory_order_relaxed);
  }
}

void load_connection::count_failure(const std::string& kind) {
  ++shared_.totals[static_cast<std::size_t>(step_->kind)].errors[kind];
  if (auto* const gauge = shared_.config.gauge) gauge->failures.fetch_add(1, std::memory_order_relaxed);
}

void load_connection::pause_then_next() {
  timer_.expires_after(pause_after_failure);
  timer_.async_wait([this](const boost::system::error_code&) { next(); });
}

} // namespace troupe::cli
