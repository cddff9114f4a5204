#include "api/http/stream.hpp"

#include "api/http/tokens.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace troupe::http {

namespace {

// Bytes one connection may read before the others of its thread get a turn.
constexpr std::size_t turn_bytes_max = 128 << 10;
constexpr std::size_t tls_record_bytes = 16384;
constexpr std::size_t tls_record_bytes_max = tls_record_bytes + 261; // header, and what TLS 1.3 may add

// No TLS record begins with such a byte, and every request does (an empty line before it is allowed).
bool begins_request(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '\r' || c == '\n'; }

error_code system_error(int number) { return {number, boost::system::system_category()}; }

iovec as_iovec(bytes_view b) { return {const_cast<std::byte*>(b.data()), b.size()}; } // the kernel only reads

} // namespace

stream::stream(tcp_socket socket, ssl_ctx_st* tls) : socket_(std::move(socket)) {
  error_code ignored; // a socket that is broken already fails at its first read
  socket_.non_blocking(true, ignored);
  socket_.native_non_blocking(true, ignored);
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  if (tls == nullptr) return;
  ssl_ = SSL_new(tls);
  if (ssl_ == nullptr || SSL_set_fd(ssl_, socket_.native_handle()) != 1) throw std::bad_alloc{};
  SSL_set_accept_state(ssl_);
}

stream::~stream() {
  say_goodbye();
  SSL_free(ssl_);
}

// Not read: OpenSSL begins with it.
task<read_result> stream::wait_for_first_byte(char& first) {
  for (;;) {
    auto [e] = co_await socket_.async_wait(tcp_socket::wait_read, tuple_task);
    if (e) co_return read_result{e, 0};
    auto n = ::recv(socket_.native_handle(), &first, 1, MSG_PEEK);
    if (n >= 0) co_return read_result{{}, static_cast<std::size_t>(n)};
    if (errno != EAGAIN && errno != EINTR) co_return read_result{system_error(errno), 0};
  }
}

task<handshake_result> stream::handshake() {
  if (ssl_ == nullptr) co_return handshake_result{};
  char first = 0;
  auto came = co_await wait_for_first_byte(first);
  if (!came.error && came.bytes == 0) came.error = asio::error::eof;
  if (came.error) co_return handshake_result{came.error};
  if (begins_request(first)) {
    SSL_free(std::exchange(ssl_, nullptr));
    co_return handshake_result{{}, true};
  }
  for (;;) {
    ERR_clear_error();
    int r = SSL_do_handshake(ssl_);
    if (r == 1) co_return handshake_result{};
    if (auto e = co_await wait_tls(r)) co_return handshake_result{e};
  }
}

task<read_result> stream::read_some(void* to, std::size_t n, std::size_t wanted) {
  if (ssl_ != nullptr) co_return co_await read_tls(to, n, wanted);
  ssize_t r = ::recv(socket_.native_handle(), to, n, 0);
  if (r >= 0) {
    co_await take_turns(static_cast<std::size_t>(r));
    co_return read_result{{}, static_cast<std::size_t>(r)};
  }
  if (errno != EAGAIN && errno != EINTR) co_return read_result{system_error(errno), 0};
  wake_at(wanted);
  co_return co_await read_woken(to, n);
}

// OpenSSL gives a record at a time: as many are taken as there are, up to what fits.
task<read_result> stream::read_tls(void* to, std::size_t n, std::size_t wanted) {
  std::size_t got = 0;
  for (;;) {
    ERR_clear_error();
    errno = 0;
    std::size_t k = 0;
    int r = SSL_read_ex(ssl_, static_cast<std::byte*>(to) + got, n - got, &k);
    if (r == 1) {
      got += k;
      if (got < std::min(n, turn_bytes_max) && (got < wanted || SSL_has_pending(ssl_) == 1)) continue;
    }
    if (got != 0) { // an end or an error comes again
      co_await take_turns(got);
      co_return read_result{{}, got};
    }
    int e = SSL_get_error(ssl_, r);
    if (e == SSL_ERROR_ZERO_RETURN || (e == SSL_ERROR_SYSCALL && errno == 0)) co_return read_result{};
    if (auto failed = co_await wait_tls(r, wanted)) co_return read_result{failed, 0};
  }
}

// The kernel makes the receive buffer large enough for it, and takes no more than half of what it may be.
void stream::wake_at(std::size_t bytes) {
  if (bytes == low_water_) return;
  auto value = static_cast<int>(bytes);
  if (::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVLOWAT, &value, sizeof value) == 0) low_water_ = bytes;
}

std::uint64_t stream::unread() const {
  int n = 0;
  if (low_water_ == 1 || ::ioctl(const_cast<tcp_socket&>(socket_).native_handle(), FIONREAD, &n) != 0) return 0;
  return static_cast<std::uint64_t>(std::max(n, 0));
}

task<read_result> stream::read_later(void* to, std::size_t n) {
  if (ssl_ != nullptr) {
    if (auto e = co_await wait_readable()) co_return read_result{e, 0};
    co_return co_await read_some(to, n);
  }
  wake_at(1);
  co_return co_await read_woken(to, n);
}

task<read_result> stream::read_woken(void* to, std::size_t n) {
  auto [e, k] = co_await socket_.async_read_some(asio::buffer(to, n), tuple_task);
  turn_bytes_ = 0;
  progress_ += k;
  co_return read_result{e == asio::error::eof ? error_code{} : e, k};
}

std::size_t stream::read_now(void* to, std::size_t n) {
  std::size_t k = 0;
  if (ssl_ != nullptr) {
    ERR_clear_error();
    if (SSL_read_ex(ssl_, to, n, &k) != 1) return 0;
  } else {
    ssize_t r = ::recv(socket_.native_handle(), to, n, MSG_DONTWAIT);
    if (r > 0) k = static_cast<std::size_t>(r);
  }
  progress_ += k;
  return k;
}

task<error_code> stream::wait_readable() {
  if (ssl_ != nullptr && SSL_has_pending(ssl_) == 1) co_return error_code{};
  wake_at(1);
  auto [e] = co_await socket_.async_wait(tcp_socket::wait_read, tuple_task);
  turn_bytes_ = 0;
  co_return e;
}

task<error_code> stream::write(bytes_view a, bytes_view b, bytes_view c) {
  return ssl_ == nullptr ? write_plain(a, b, c) : write_tls(a, b, c);
}

task<error_code> stream::write_plain(bytes_view a, bytes_view b, bytes_view c) {
  std::array<iovec, 3> parts{as_iovec(a), as_iovec(b), as_iovec(c)};
  std::size_t i = 0;
  for (;;) {
    while (i < parts.size() && parts[i].iov_len == 0) ++i;
    if (i == parts.size()) co_return error_code{};
    msghdr m{};
    m.msg_iov = parts.data() + i;
    m.msg_iovlen = parts.size() - i;
    ssize_t r = ::sendmsg(socket_.native_handle(), &m, MSG_NOSIGNAL);
    if (r < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) co_return system_error(errno);
      auto [e] = co_await socket_.async_wait(tcp_socket::wait_write, tuple_task);
      if (e) co_return e;
      continue;
    }
    auto left = static_cast<std::size_t>(r);
    progress_ += left;
    while (left != 0) {
      auto k = std::min(left, parts[i].iov_len);
      parts[i].iov_base = static_cast<char*>(parts[i].iov_base) + k;
      parts[i].iov_len -= k;
      left -= k;
      if (parts[i].iov_len == 0) ++i;
    }
  }
}

// Joins a small head with the start of the body into one record. The record is on the heap, not in the coroutine's
// frame: every frame would carry it.
task<error_code> stream::write_tls(bytes_view a, bytes_view b, bytes_view c) {
  std::array<bytes_view, 3> parts{a, b, c};
  if (!b.empty() || !c.empty()) {
    auto cap = std::min(a.size() + b.size() + c.size(), tls_record_bytes);
    auto record = std::make_unique_for_overwrite<std::byte[]>(cap);
    std::size_t n = 0;
    for (auto& part : parts) {
      auto k = std::min(part.size(), cap - n);
      if (k != 0) std::memcpy(record.get() + n, part.data(), k);
      n += k;
      part = part.subspan(k);
    }
    if (auto e = co_await write_record({record.get(), n})) co_return e;
  }
  for (auto part : parts)
    if (!part.empty())
      if (auto e = co_await write_record(part)) co_return e;
  co_return error_code{};
}

task<error_code> stream::write_record(bytes_view b) {
  while (!b.empty()) {
    ERR_clear_error();
    std::size_t k = 0;
    int r = SSL_write_ex(ssl_, b.data(), b.size(), &k);
    if (r == 1) {
      b = b.subspan(k);
      progress_ += k;
      continue;
    }
    if (auto e = co_await wait_tls(r)) co_return e;
  }
  co_return error_code{};
}

// A few bytes, which the kernel takes or not: nobody waits for them.
void stream::say_goodbye() {
  if (ssl_ == nullptr || cut_ || !socket_.is_open() || SSL_in_init(ssl_) == 1) return;
  if ((SSL_get_shutdown(ssl_) & SSL_SENT_SHUTDOWN) != 0) return;
  ERR_clear_error();
  SSL_shutdown(ssl_);
  ERR_clear_error();
}

void stream::shutdown_write() {
  say_goodbye();
  error_code ignored;
  socket_.shutdown(tcp_socket::shutdown_send, ignored);
}

bool stream::has_unread() const {
  if (ssl_ != nullptr && SSL_has_pending(ssl_) == 1) return true;
  error_code failed;
  return socket_.available(failed) > 0 && !failed;
}

void stream::cancel() {
  error_code ignored;
  socket_.cancel(ignored);
}

void stream::abort() {
  cut_ = true;
  error_code ignored;
  socket_.shutdown(tcp_socket::shutdown_both, ignored);
  socket_.cancel(ignored);
}

void stream::reset_on_close() {
  cut_ = true;
  // Not through Asio: it takes the option back before it closes a socket.
  ::linger now{1, 0};
  ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

// A client that always has data ready must not own the thread.
task<> stream::take_turns(std::size_t moved) {
  progress_ += moved;
  turn_bytes_ += moved;
  if (turn_bytes_ < turn_bytes_max) co_return;
  turn_bytes_ = 0;
  co_await asio::post(socket_.get_executor(), use_task);
}

// `wanted` bytes are certain to come, and are more when they are encrypted; but OpenSSL may hold a part of one record.
task<error_code> stream::wait_tls(int result, std::size_t wanted) {
  switch (SSL_get_error(ssl_, result)) {
  case SSL_ERROR_WANT_READ: {
    wake_at(wanted > 2 * tls_record_bytes_max ? wanted - tls_record_bytes_max : 1);
    auto [e] = co_await socket_.async_wait(tcp_socket::wait_read, tuple_task);
    turn_bytes_ = 0;
    co_return e;
  }
  case SSL_ERROR_WANT_WRITE: {
    auto [e] = co_await socket_.async_wait(tcp_socket::wait_write, tuple_task);
    co_return e;
  }
  case SSL_ERROR_SYSCALL: cut_ = true; co_return system_error(errno != 0 ? errno : ECONNRESET);
  default: cut_ = true; co_return system_error(EPROTO);
  }
}

} // namespace troupe::http
