#include "net/inbound.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <spdlog/spdlog.h>

#include <cstdlib>

namespace troupe::net {
namespace {

constexpr auto outcome = asio::as_tuple(asio::use_awaitable_t<executor>{});
constexpr std::int64_t clock_tolerance_ms = 5'000;

using timer = asio::basic_waitable_timer<steady, asio::wait_traits<steady>, executor>;

outgoing failure_frame(std::uint8_t method, std::uint64_t id, const error& e) {
  pb::failure why;
  why.set_code(static_cast<std::uint32_t>(e.code));
  why.set_message(e.message);
  return outgoing::make(frame_kind::failure, method, id, why.SerializeAsString(), {});
}

// An answer that was forgotten is a bug here; the peer must not wait for it.
class answer_once {
public:
  explicit answer_once(channel::on_answer f) : answer_(std::move(f)) {}
  answer_once(const answer_once&) = delete;
  answer_once& operator=(const answer_once&) = delete;
  ~answer_once() {
    if (answer_) answer_(fail(ec::unavailable, "the request was not answered"));
  }
  void operator()(result<peer_message> m) {
    if (auto f = std::exchange(answer_, nullptr)) f(std::move(m));
  }

private:
  channel::on_answer answer_;
};

} // namespace

inbound::inbound(
  const link_environment& env, const inbound_limits& limits, peer_handler handler, std::shared_ptr<frame_stream> stream)
    : env_(env),
      limits_(limits),
      handler_(std::move(handler)),
      stream_(std::move(stream)),
      writer_(std::make_shared<frame_writer>(env.io)),
      room_(env.io, steady::time_point::max()) {}

void inbound::start() {
  asio::co_spawn(
    env_.io, [self = shared_from_this()] { return self->run(); }, asio::detached);
}

void inbound::close() {
  if (std::exchange(closed_, true)) return;
  if (!node_.empty()) env_.known->leave(node_);
  stream_->close();
  writer_->stop();
  room_.cancel();
}

task<result<>> inbound::accept_hello() {
  auto shaken = co_await stream_->handshake();
  if (!shaken) co_return shaken.error();
  auto first = co_await stream_->read(hello_bytes_max);
  if (!first) co_return first.error();
  pb::hello theirs;
  if (first->header.kind != frame_kind::hello || !theirs.ParseFromString(first->head))
    co_return fail(ec::incompatible, "it does not speak Troupe's protocol");
  auto ours = env_.hello();
  auto fine = check_hello(ours, theirs, stream_->peer_name());
  auto older = fine && is_older(*env_.generation, first->head);
  if (fine) fine = meet_generation(*env_.generation, theirs.node(), first->head);
  if (fine && !env_.known->arrive(theirs.node(), theirs.instance()))
    fine = fail(ec::conflict,
      "another process is node '" + theirs.node() +
        "' and connected: stop one of the two (after a crash, wait until its "
        "connections have ended)");
  if (!fine && older) { // it learns from our hello what has become of its group
    auto news = outgoing::make(frame_kind::hello, 0, 0, hello_head(env_, ours), {});
    co_await stream_->write(news.bytes, {});
    co_return fine.error();
  }
  if (!fine) {
    auto refusal = failure_frame(0, 0, fine.error());
    co_await stream_->write(refusal.bytes, {});
    co_return fine.error();
  }
  if (std::llabs(theirs.now_ms() - ours.now_ms()) > clock_tolerance_ms)
    spdlog::warn("the clocks of node {} and of this one differ by {} s: set one of them right", theirs.node(),
      std::llabs(theirs.now_ms() - ours.now_ms()) / 1000);
  node_ = theirs.node();
  auto answer = outgoing::make(frame_kind::hello, 0, 0, hello_head(env_, ours), {});
  co_return co_await stream_->write(answer.bytes, {});
}

task<> inbound::run() {
  auto self = shared_from_this();
  timer deadline{env_.io, limits_.hello_timeout};
  deadline.async_wait([self](boost::system::error_code e) {
    if (!e && self->node_.empty()) self->close();
  });
  auto known = co_await accept_hello();
  deadline.cancel();
  if (!known || closed_) {
    if (!known && known.error().code != ec::closed && !closed_ && env_.refusals->allow(steady::now()))
      spdlog::warn("a connection to the actor port was refused: {}", known.error().message);
    close();
    co_return;
  }
  asio::co_spawn(
    env_.io,
    [self]() -> task<> {
      auto written = co_await self->writer_->run(*self->stream_);
      if (!written) self->close();
    },
    asio::detached);
  while (!closed_) {
    co_await wait_for_room();
    auto f = co_await stream_->read();
    if (!f) {
      if (f.error().code != ec::closed && f.error().code != ec::unavailable && !closed_)
        spdlog::warn("node {}: {}", node_, f.error().message);
      break;
    }
    if (f->header.kind != frame_kind::request && f->header.kind != frame_kind::post) {
      spdlog::warn("node {} sent a frame that is no request", node_);
      break;
    }
    auto fault = env_.faults ? env_.faults->incoming(node_) : net::fault{};
    if (fault.drop) continue;
    if (fault.delay.count() != 0) { // all that follows on this connection is as late
      timer late{env_.io, fault.delay};
      co_await late.async_wait(outcome);
    }
    serve(std::move(*f));
  }
  close();
}

task<> inbound::wait_for_room() {
  while (!closed_ && (requests_ >= limits_.requests_max || request_bytes_ + writer_->bytes() >= limits_.bytes_max)) {
    room_.expires_after(std::chrono::milliseconds{20}); // what the writer has written is not told
    co_await room_.async_wait(outcome);
  }
}

void inbound::serve(frame f) {
  auto id = f.header.id;
  auto method = f.header.method;
  auto bytes = f.head.size() + f.body.size();
  peer_message m{method, std::move(f.head), std::move(f.body)};
  if (f.header.kind == frame_kind::post) return handler_(node_, std::move(m), nullptr);
  ++requests_;
  request_bytes_ += bytes;
  auto once = std::make_shared<answer_once>([self = shared_from_this(), id, method, bytes](result<peer_message> r) {
    asio::post(self->env_.io,
      [self, id, method, bytes, r = std::move(r)]() mutable { self->answered(id, method, bytes, std::move(r)); });
  });
  handler_(node_, std::move(m), [once](result<peer_message> r) { (*once)(std::move(r)); });
}

void inbound::answered(std::uint64_t id, std::uint8_t method, std::size_t request_bytes, result<peer_message> r) {
  --requests_;
  request_bytes_ -= request_bytes;
  if (closed_) return;
  if (r)
    writer_->push(outgoing::make(frame_kind::reply, method, id, r->head, std::move(r->body)));
  else
    writer_->push(failure_frame(method, id, r.error()));
  if (requests_ + 1 == limits_.requests_max) room_.cancel();
}

} // namespace troupe::net
