#include "net/peer_link.hpp"

#include "generation.pb.h"
#include "net/address.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <spdlog/spdlog.h>

#include <algorithm>
#include <vector>

namespace troupe::net {
namespace {

constexpr auto outcome = asio::as_tuple(asio::use_awaitable_t<executor>{});
constexpr std::chrono::minutes idle_after{2};

using timer = asio::basic_waitable_timer<steady, asio::wait_traits<steady>, executor>;

} // namespace

result<> check_hello(const pb::hello& ours, const pb::hello& theirs, const std::string& certificate_name) {
  auto who = "node '" + theirs.node() + "'";
  if (theirs.protocol_min() > ours.protocol_max() || theirs.protocol_max() < ours.protocol_min())
    return fail(ec::incompatible,
      who + " speaks protocol " + std::to_string(theirs.protocol_min()) + " to " +
        std::to_string(theirs.protocol_max()) + ", this one " + std::to_string(ours.protocol_min()) + " to " +
        std::to_string(ours.protocol_max()) + ": upgrade the older of the two");
  if (theirs.cluster() != ours.cluster())
    return fail(
      ec::access_denied, who + " belongs to cluster '" + theirs.cluster() + "', this one to '" + ours.cluster() + "'");
  if (!certificate_name.empty() && certificate_name != theirs.node())
    return fail(ec::access_denied, who + " shows the certificate of '" + certificate_name + "'");
  if (theirs.node() == ours.node() && theirs.instance() != ours.instance())
    return fail(ec::conflict, "another process is " + who + ", too: two processes must not have one name");
  return {};
}

std::string hello_head(const link_environment& env, const pb::hello& ours) {
  auto now = env.generation->now();
  pb::hello_generation g;
  g.set_generation(now.number);
  g.set_recovery(now.recovery);
  return ours.SerializeAsString() + g.SerializeAsString(); // one message: the fields' numbers differ
}

result<> meet_generation(generation_keeper& keeper, const std::string& node, const std::string& head) {
  pb::hello_generation g;
  if (!g.ParseFromString(head)) return fail(ec::corrupt, "a hello that does not parse");
  return keeper.meet({g.generation(), g.recovery()}, "node '" + node + "'");
}

bool is_older(const generation_keeper& keeper, const std::string& head) {
  pb::hello_generation g;
  return g.ParseFromString(head) && g.generation() < keeper.now().number;
}

peer_link::peer_link(const link_environment& env, peer_address to, plane p)
    : env_(env), to_(std::move(to)), plane_(p), writer_(std::make_shared<frame_writer>(env.io)) {}

// ---- requests ----------------------------------------------------------------------------------------------------

std::string peer_link::who() const {
  return to_.node.empty() ? "the node at " + to_.address : "node " + to_.node + " (" + to_.address + ")";
}

bool peer_link::ready_to_send(const channel::on_answer& answered) {
  auto refuse = [&](error why) {
    if (answered) answered(std::move(why));
    return false;
  };
  if (closed_) return refuse(fail(ec::unavailable, "this process is shutting down"));
  auto now = steady::now();
  last_used_ = now;
  if (!connected_ && !connecting_) {
    if (now < next_try_ && last_failure_) return refuse(*last_failure_);
    connecting_ = true;
    asio::co_spawn(
      env_.io, [self = shared_from_this()] { return self->connect_and_read(); }, asio::detached);
  }
  if (writer_->bytes() > env_.queued_bytes_max || calls_.size() >= env_.calls_max)
    return refuse(fail(ec::slow_down, who() + " takes what it is sent too slowly: its queue is full"));
  return true;
}

void peer_link::send(outgoing o) {
  auto fault = env_.faults ? env_.faults->outgoing(to_.node) : net::fault{};
  if (fault.drop) return; // a call ends by its deadline
  if (fault.delay.count() == 0) return writer_->push(std::move(o));
  auto late = std::make_shared<timer>(env_.io, fault.delay);
  late->async_wait([self = shared_from_this(), late, held = std::move(o)](boost::system::error_code e) mutable {
    if (!e && !self->closed_) self->writer_->push(std::move(held));
  });
}

void peer_link::call(peer_message m, std::chrono::milliseconds timeout, channel::on_answer answered) {
  if (!ready_to_send(answered)) return;
  auto id = next_id_++;
  calls_.emplace(id, pending{steady::now() + timeout, std::move(answered), connected_});
  send(outgoing::make(frame_kind::request, m.method, id, m.head, std::move(m.body)));
}

void peer_link::post(peer_message m) {
  if (ready_to_send(nullptr)) send(outgoing::make(frame_kind::post, m.method, 0, m.head, std::move(m.body)));
}

void peer_link::expire(steady::time_point now) {
  std::vector<channel::on_answer> late;
  for (auto c = calls_.begin(); c != calls_.end();) {
    if (c->second.until > now) {
      ++c;
      continue;
    }
    writer_->drop(c->first);
    late.push_back(std::move(c->second.answered));
    c = calls_.erase(c);
  }
  for (auto& answered : late) answered(fail(ec::timeout, who() + " did not answer in time"));
}

bool peer_link::idle(steady::time_point now) const {
  return calls_.empty() && writer_->bytes() == 0 && !connecting_ && now - last_used_ > idle_after;
}

link_status peer_link::status() const {
  return {.node = to_.node,
    .which = plane_,
    .connected = connected_,
    .queued_bytes = writer_->bytes(),
    .unanswered = calls_.size()};
}

void peer_link::answer(frame f) {
  auto c = calls_.find(f.header.id);
  if (c == calls_.end()) return; // too late
  auto answered = std::move(c->second.answered);
  calls_.erase(c);
  if (f.header.kind == frame_kind::reply)
    return answered(peer_message{f.header.method, std::move(f.head), std::move(f.body)});
  pb::failure why;
  if (!why.ParseFromString(f.head)) return answered(fail(ec::corrupt, who() + ": an answer that does not parse"));
  auto code = static_cast<ec>(why.code());
  if (to_string(code) == "unknown") code = ec::internal; // a newer peer's
  answered(fail(code, why.message()));
}

// ---- the connection ----------------------------------------------------------------------------------------------

task<result<>> peer_link::connect() {
  auto where = split_address(to_.address);
  asio::ip::basic_resolver<asio::ip::tcp, executor> resolver{env_.io};
  auto [unresolved, found] = co_await resolver.async_resolve(where.host, where.port, outcome);
  if (unresolved) co_return fail(ec::unavailable, "its name does not resolve: " + unresolved.message());
  error why = fail(ec::unavailable, "it has no address");
  for (auto& candidate : found) {
    if (closed_ || !connecting_) co_return fail(ec::unavailable, "no connection in time");
    if (!env_.tls.given() && !candidate.endpoint().address().is_loopback())
      co_return fail(ec::access_denied, "without certificates (tls) only loopback addresses are used");
    tcp_socket socket{env_.io};
    boost::system::error_code e;
    socket.open(candidate.endpoint().protocol(), e);
    if (!e) socket.set_option(asio::ip::tcp::no_delay{true}, e);
    if (e) co_return fail(ec::unavailable, "socket: " + e.message());
    give_up_dead_peers(socket.native_handle());
    if (env_.tls.given()) {
      auto context = make_tls_context(env_.tls);
      if (!context) co_return context.error();
      stream_ = make_tls_stream(std::move(socket), *context, side::client);
    } else {
      stream_ = make_plain_stream(std::move(socket));
    }
    auto stream = stream_;
    auto connected = co_await stream->connect(candidate.endpoint(), static_cast<std::uint8_t>(plane_));
    if (connected) co_return co_await exchange_hellos();
    why = connected.error();
  }
  co_return why;
}

task<result<>> peer_link::exchange_hellos() {
  auto stream = stream_;
  auto shaken = co_await stream->handshake();
  if (!shaken) co_return shaken.error();
  auto ours = env_.hello();
  auto first = outgoing::make(frame_kind::hello, 0, 0, hello_head(env_, ours), {});
  auto written = co_await stream->write(first.bytes, {});
  if (!written) co_return written.error();
  auto answer = co_await stream->read(hello_bytes_max);
  if (!answer && answer.error().code == ec::closed)
    co_return fail(ec::unavailable, "it closed the connection: is this node's certificate of the cluster's CA?");
  if (!answer) co_return answer.error();
  if (answer->header.kind == frame_kind::failure) {
    pb::failure why;
    if (!why.ParseFromString(answer->head)) co_return fail(ec::corrupt, "an answer that does not parse");
    co_return fail(static_cast<ec>(why.code()), "it refused: " + why.message());
  }
  pb::hello theirs;
  if (answer->header.kind != frame_kind::hello || !theirs.ParseFromString(answer->head))
    co_return fail(ec::incompatible, "it does not speak Troupe's protocol");
  auto fine = check_hello(ours, theirs, stream->peer_name());
  if (!fine) co_return fine.error();
  if (!to_.node.empty() && theirs.node() != to_.node)
    co_return fail(ec::conflict, "node '" + theirs.node() + "' answers there");
  co_return meet_generation(*env_.generation, theirs.node(), answer->head);
}

task<> peer_link::connect_and_read() {
  auto self = shared_from_this();
  timer deadline{env_.io, env_.connect_timeout};
  deadline.async_wait([this, self](boost::system::error_code e) {
    if (e || connected_ || !connecting_) return;
    connecting_ = false;
    if (stream_) stream_->close();
  });
  auto connected = co_await connect();
  deadline.cancel();
  if (!connected || closed_ || !connecting_) {
    failed(connected ? fail(ec::unavailable, "no connection in time") : connected.error());
    co_return;
  }
  connecting_ = false;
  connected_ = true;
  pause_ = {};
  last_failure_.reset();
  if (std::exchange(failure_told_, false)) spdlog::info("{}: connected again", who());
  for (auto& [id, c] : calls_) c.written = true;
  asio::co_spawn(
    env_.io, [self] { return self->write(); }, asio::detached);
  error why;
  for (auto stream = stream_;;) {
    auto f = co_await stream->read();
    if (!f) {
      why = f.error();
      break;
    }
    if (f->header.kind != frame_kind::reply && f->header.kind != frame_kind::failure) {
      why = fail(ec::incompatible, "a frame that is no answer");
      break;
    }
    answer(std::move(*f));
  }
  failed(why);
}

task<> peer_link::write() {
  auto self = shared_from_this();
  auto stream = stream_;
  auto writer = writer_;
  auto written = co_await writer->run(*stream);
  if (!written) stream->close(); // the reader notices, and tells everybody
}

// The connection is over, or never was. What was sent may have been carried out.
void peer_link::failed(const error& why) {
  auto now = steady::now();
  auto was_connected = std::exchange(connected_, false);
  connecting_ = false;
  if (stream_) stream_->close();
  writer_->stop();
  writer_ = std::make_shared<frame_writer>(env_.io);
  if (!was_connected) {
    pause_ = std::clamp(pause_ * 2, env_.pause_first, env_.pause_max);
    next_try_ = now + pause_;
    last_failure_ =
      fail(why.code == ec::closed ? ec::unavailable : why.code, who() + " can not be reached: " + why.message);
    if (last_failure_->code == ec::timeout) last_failure_->code = ec::unavailable;
    if (!closed_ && !std::exchange(failure_told_, true)) spdlog::warn("{}", last_failure_->message);
  }
  for (auto& [id, c] : std::exchange(calls_, {}))
    c.answered(c.written ? fail(ec::timeout, "the connection to " + who() + " broke")
                         : last_failure_.value_or(fail(ec::unavailable, "this process is shutting down")));
}

void peer_link::close() {
  closed_ = true;
  failed(fail(ec::closed, "this process is shutting down"));
}

} // namespace troupe::net
