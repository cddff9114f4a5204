#include "api/http/body.hpp"

#include "api/http/connection_state.hpp"
#include "api/http/head.hpp"

#include <algorithm>
#include <cstring>

namespace troupe::http {

namespace {

// A wake-up for a packet at a time costs more than the packet's copy; beyond the maximum nothing is gained.
constexpr std::size_t batch_bytes_min = 64 << 10;
constexpr std::size_t batch_bytes_max = 256 << 10;

} // namespace

body_source::~body_source() = default;

task<std::size_t> read_full(body_source& from, bytes_span dst) {
  std::size_t n = 0;
  while (n < dst.size()) {
    auto k = co_await from.read(dst.subspan(n));
    if (k == 0) break;
    n += k;
  }
  co_return n;
}

body::body(connection_state& connection, const request_head& head)
    : connection_(connection), scratch_from_(connection.pos), chunked_(head.chunked) {
  if (!chunked_) length_ = left_ = head.content_length.value_or(0);
  done_ = !chunked_ && left_ == 0;
  // An announced empty body is waited for too: a client library that gets the final answer without a 100 takes the
  // connection for spent, and botocore 1.29 then misreads the next answer on it.
  expects_ = head.expect_continue && (chunked_ || head.content_length);
}

task<std::size_t> body::read(bytes_span dst) {
  if ((done_ && !expects_) || dst.empty()) co_return 0;
  connection_.wait_for_client(phase::body);
  if (expects_) { // the handler wants the body: say so, once
    expects_ = false;
    if (co_await connection_.io.write(as_bytes("HTTP/1.1 100 Continue\r\n\r\n")))
      throw peer_gone{"the client left before 100 Continue"};
    if (done_) {
      connection_.back_to_handler();
      co_return 0;
    }
  }
  std::size_t n = 0;
  if (chunked_)
    n = co_await read_chunked(dst);
  else
    n = co_await read_plain(dst);
  connection_.back_to_handler();
  received_ += n;
  co_return n;
}

std::size_t body::take_buffered(bytes_span dst, std::uint64_t at_most) {
  auto n = static_cast<std::size_t>(std::min<std::uint64_t>({dst.size(), connection_.buffered(), at_most}));
  std::memcpy(dst.data(), connection_.buffer + connection_.pos, n);
  connection_.pos += n;
  return n;
}

// At least one byte, or a throw that says what the end of the stream means here. `wanted` bytes of the body must be
// still to come; it waits for so many, unless they are too few to matter.
task<std::size_t> body::receive(void* to, std::size_t n, std::size_t wanted) {
  wanted = wanted < batch_bytes_min ? 1 : std::min(wanted, batch_bytes_max);
  auto r = co_await connection_.io.read_some(to, n, wanted);
  if (r.bytes != 0) co_return r.bytes;
  connection_.back_to_handler();
  if (connection_.timed_out) {
    connection_.timed_out = false;
    connection_.closing = true;
    throw api_error{ec::request_timeout, "the request body came too slowly"};
  }
  if (r.error) throw peer_gone{"the connection broke within the request body"};
  // It half-closed: it may still read our answer.
  connection_.closing = true;
  throw api_error{ec::incomplete_body,
    "the request body ended after " + std::to_string(received_) + " bytes" +
      (chunked_ ? std::string{" within a chunk"} : ", of " + std::to_string(length_))};
}

task<std::size_t> body::read_plain(bytes_span dst) {
  std::size_t n = 0;
  if (connection_.buffered() != 0) {
    n = take_buffered(dst, left_);
  } else {
    auto most = static_cast<std::size_t>(std::min<std::uint64_t>(dst.size(), left_));
    n = co_await receive(dst.data(), most, most);
  }
  left_ -= n;
  done_ = left_ == 0;
  co_return n;
}

task<std::size_t> body::read_chunked(bytes_span dst) {
  for (;;) {
    if (auto ahead = decoder_.data_left(); ahead != 0) {
      std::size_t n = 0;
      if (connection_.buffered() != 0) {
        n = take_buffered(dst, ahead);
      } else {
        auto most = static_cast<std::size_t>(std::min<std::uint64_t>(dst.size(), ahead));
        n = co_await receive(dst.data(), most, most);
      }
      decoder_.took(n);
      co_return n;
    }
    if (connection_.buffered() == 0) { // framing, and what follows it, goes behind the head
      connection_.pos = connection_.end = scratch_from_;
      auto n = co_await receive(connection_.buffer + scratch_from_, connection_.capacity - scratch_from_, 1);
      connection_.end += n;
    }
    connection_.pos += decoder_.put({connection_.buffer + connection_.pos, connection_.buffered()});
    if (decoder_.bad()) {
      connection_.back_to_handler();
      connection_.closing = true;
      throw api_error{ec::bad_request, "the chunked request body is malformed"};
    }
    if (decoder_.done()) {
      done_ = true;
      co_return 0;
    }
  }
}

} // namespace troupe::http
