#include "api/http/connection.hpp"

#include "api/http/body.hpp"
#include "api/http/head_parser.hpp"
#include "net/server_certificate.hpp"

#include <boost/asio/error.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <new>

namespace troupe::http {

namespace {

// Statuses of the errors that this folder makes, for a server without render_error, and as its preset.
int status_of(ec code) {
  switch (code) {
  case ec::bad_request:
  case ec::incomplete_body:
  case ec::invalid_uri: return 400;
  case ec::not_found: return 404;
  case ec::method_not_allowed: return 405;
  case ec::request_timeout: return 408;
  case ec::expectation_failed: return 417;
  case ec::header_section_too_large: return 431;
  case ec::slow_down: return 503;
  case ec::http_version_not_supported: return 505;
  default: return 500;
  }
}

// Room for chunked framing behind the largest head.
constexpr std::size_t scratch_bytes = 8192;
// What a TLS client's first record begins with, and no request does.
constexpr char tls_handshake = 0x16;

std::shared_ptr<ssl_ctx_st> context_of(const server_config& c) { return c.tls ? c.tls->context() : nullptr; }

} // namespace

connection::connection(tcp_socket socket, connection_count::ticket ticket, surroundings around)
    : config_(around.config),
      limits_(around.config.limits),
      worker_(around.home),
      ticket_(std::move(ticket)),
      refused_(around.refused),
      state_(std::move(socket), context_of(config_).get(), worker_, limits_) {
  error_code e;
  if (auto peer = state_.io.socket().remote_endpoint(e); !e) remote_ = peer.address().to_string();
  state_.closing = worker_.draining;
  worker_.link(state_);
  if (config_.watcher != nullptr) config_.watcher->opened();
}

connection::~connection() {
  worker_.unlink(state_);
  drop_buffer();
  if (config_.watcher != nullptr) config_.watcher->closed();
}

task<> connection::run(tcp_socket socket, connection_count::ticket ticket, surroundings around) {
  try {
    connection self{std::move(socket), std::move(ticket), around};
    co_await self.serve_requests();
  } catch (const std::exception& e) { // a handler's exceptions never come here: out of memory, or a bug of ours
    if (around.config.watcher != nullptr) around.config.watcher->failed("-", e.what());
  }
}

task<> connection::serve_requests() {
  worker_.tick();
  state_.enter(phase::fresh, limits_.head_time);
  const auto shaken = co_await state_.io.handshake();
  if (shaken.error) co_return;
  in_the_clear_ = shaken.in_the_clear;
  bool first = true;
  for (;;) {
    if (state_.buffered() == 0) { // between requests: may be parked without a buffer
      if (!first) state_.enter(phase::idle, limits_.idle_time);
      if (state_.closing && !first) co_return;
      if (!co_await first_bytes()) co_return;
      if (first && !state_.io.tls() && state_.buffer[0] == tls_handshake) { // it could not read what we say
        co_await linger();
        co_return;
      }
    }
    first = false;
    worker_.tick();
    head_parser parser{head_, limits_.head_bytes_max};
    auto head = co_await read_head(parser);
    if (head.gone) co_return;
    bool parsed = !head.refusal;
    if (parsed && in_the_clear_)
      head.refusal = fail(ec::bad_request, "Client sent an HTTP request to an HTTPS server.");
    if (parsed && refused_) head.refusal = fail(ec::slow_down, "too many connections");
    if (!co_await serve(parsed, std::move(head.refusal))) co_return;
  }
}

void connection::take_page() {
  state_.buffer = worker_.pages.take();
  state_.capacity = page_pool::page_bytes;
  state_.pos = state_.end = 0;
}

void connection::drop_buffer() {
  if (state_.buffer == nullptr) return;
  if (state_.capacity == page_pool::page_bytes)
    worker_.pages.give(state_.buffer);
  else
    std::free(state_.buffer);
  state_.buffer = nullptr;
  state_.capacity = state_.pos = state_.end = 0;
}

// For a head over a page, or to have room for chunked framing.
void connection::grow_buffer(head_parser& parser) {
  auto capacity = limits_.head_bytes_max + scratch_bytes + page_pool::page_bytes;
  auto* larger = static_cast<char*>(std::malloc(capacity));
  if (larger == nullptr) throw std::bad_alloc{};
  auto pos = state_.pos, end = state_.end;
  std::memcpy(larger, state_.buffer, end);
  parser.moved(state_.buffer, larger);
  drop_buffer();
  state_.buffer = larger;
  state_.capacity = capacity;
  state_.pos = pos;
  state_.end = end;
}

// False when the client left, the time is up, or the server drains.
task<bool> connection::first_bytes() {
  for (;;) {
    if (state_.parked) {
      drop_buffer();
      auto e = co_await state_.io.wait_readable();
      state_.parked = false;
      if (e && !state_.closing) co_return false;
    }
    if (state_.buffer == nullptr) take_page();
    state_.pos = state_.end = 0;
    read_result r;
    // A request that was on its way when the server began to drain is served still.
    if (state_.closing)
      r.bytes = state_.io.read_now(state_.buffer, state_.capacity);
    else
      r = co_await state_.io.read_later(state_.buffer, state_.capacity);
    state_.end = r.bytes;
    if (r.bytes != 0) {
      state_.parked = state_.timed_out = false;
      co_return true;
    }
    if (state_.closing && r.error == asio::error::operation_aborted && !state_.timed_out) continue;
    if (!state_.parked || state_.timed_out || r.error != asio::error::operation_aborted) co_return false;
  }
}

task<connection::head_outcome> connection::read_head(head_parser& parser) {
  state_.enter(phase::head, limits_.head_time);
  auto& s = state_;
  if (s.pos != 0) {
    std::memmove(s.buffer, s.buffer + s.pos, s.buffered());
    s.end -= s.pos;
    s.pos = 0;
  }
  std::size_t start = 0;
  for (;;) {
    // Empty lines before a request are skipped (RFC 9112 section 2.2).
    while (s.pos == start && s.buffered() != 0 && (s.buffer[s.pos] == '\r' || s.buffer[s.pos] == '\n')) start = ++s.pos;
    if (s.buffered() != 0) {
      auto step = parser.feed({s.buffer + s.pos, s.buffered()});
      s.pos += step.used;
      if (step.refusal) co_return head_outcome{false, std::move(step.refusal)};
      if (parser.done()) break;
    }
    if (s.end >= limits_.head_bytes_max)
      co_return head_outcome{false, fail(ec::header_section_too_large, "the request line and headers are too large")};
    if (s.end == s.capacity) grow_buffer(parser);
    auto r = co_await s.io.read_later(s.buffer + s.end, s.capacity - s.end);
    if (r.bytes == 0) {
      if (!s.timed_out) co_return head_outcome{true, std::nullopt};
      s.timed_out = false;
      co_return head_outcome{false, fail(ec::request_timeout, "the request's head came too slowly")};
    }
    s.end += r.bytes;
  }
  s.timed_out = false;
  auto refusal = parser.check({s.buffer + start, s.pos - start});
  if (!refusal && head_.chunked && s.capacity - s.pos < scratch_bytes / 2) grow_buffer(parser);
  co_return head_outcome{false, std::move(refusal)};
}

task<bool> connection::serve(bool head_parsed, std::optional<error> refusal) {
  auto began = worker_.now();
  auto id = worker_.new_request_id();
  if (!head_parsed) {
    head_.chunked = head_.expect_continue = false;
    head_.content_length.reset();
  }
  body content{state_, head_};
  request rq{head_, content, worker_, {.id = id, .remote = remote_, .tls = state_.io.tls()}};
  open_span traced;
  std::string trace_response;
  if (config_.tracing && head_parsed) {
    traced = begin_trace(rq);
    if (traced) trace_response = rq.trace.traceparent();
  }
  response rs{state_, content,
    {.request_id_field = config_.request_id_field,
      .request_id = id,
      .trace_response = trace_response,
      .head_only = head_.method == "HEAD",
      .http10 = head_.version == 10,
      .close = refusal || !head_.keep_alive || state_.closing,
      .drain_bytes_max = limits_.drain_bytes_max}};
  state_.at = phase::working;
  outcome o;
  if (refusal)
    o.failure = std::move(refusal);
  else if (!rq.target_.parse(head_.target))
    o.failure = fail(ec::invalid_uri, "the request target could not be parsed");
  else
    o = co_await call_handler(rq, rs);
  if (o.failure) {
    if (rs.started())
      o.gone = true; // too late for a status
    else
      o.gone = !co_await answer_error(head_parsed ? &rq : nullptr, rs, *o.failure, id);
  }
  if (traced) end_trace(traced, rq, rs, o);
  if (config_.watcher != nullptr) {
    auto method = head_parsed ? head_.method : std::string_view{},
         target = head_parsed ? head_.target : std::string_view{};
    config_.watcher->finished({.id = id,
      .remote = remote_,
      .method = method,
      .target = target,
      .host = rq.host(),
      .user_agent = rq.header("user-agent"),
      .operation = rq.operation,
      .principal = rq.principal,
      .action = rq.action,
      .resource = rq.resource,
      .status = o.gone ? 499 : rs.status,
      .bytes_in = content.received(),
      .bytes_out = rs.sent(),
      .took = steady::now() - began,
      .tls = rq.tls()});
  }
  if (o.gone) {
    // A response that ends at the connection's end must not look complete.
    if (rs.started() && !rs.finished()) state_.io.reset_on_close();
    co_return false;
  }
  co_return co_await settle(rs, content, head_parsed);
}

open_span connection::begin_trace(request& rq) const {
  open_span made{config_.tracing, config_.tracing->accept(rq.header("traceparent")), "request", span_kind::server};
  rq.trace = made.context();
  return made;
}

void connection::end_trace(open_span& traced, const request& rq, const response& rs, const outcome& o) const {
  constexpr std::size_t path_chars_max = 256;
  traced.name(rq.operation);
  traced.set("http.request.method", rq.method());
  traced.set("http.route", config_.surface + " " + rq.operation);
  traced.set("url.path", rq.raw_target().substr(0, std::min(rq.raw_target().find('?'), path_chars_max)));
  traced.set("http.response.status_code", static_cast<std::uint64_t>(o.gone ? 499 : rs.status));
  traced.set("http.request.body.size", rq.content().received());
  traced.set("http.response.body.size", rs.sent());
  traced.set("client.address", rq.remote());
  traced.set("troupe.request_id", rq.id());
  if (o.gone || rs.status >= 500) traced.failed(o.failure ? o.failure->message : o.gone ? "the client left" : "");
  traced.end();
}

task<connection::outcome> connection::call_handler(request& rq, response& rs) {
  outcome o;
  std::string bug;
  try {
    co_await config_.handle(rq, rs);
    co_await rs.finish();
    co_return o;
  } catch (const api_error& e) { o.failure = error{e.code, e.message}; } catch (const peer_gone&) {
    o.gone = true;
  } catch (const std::exception& e) {
    bug = e.what();
    o.failure = fail(ec::internal, "an internal error, please try again");
  } catch (...) {
    bug = "an exception of an unknown type";
    o.failure = fail(ec::internal, "an internal error, please try again");
  }
  if (!bug.empty() && config_.watcher != nullptr) config_.watcher->failed(rq.id(), bug);
  co_return o;
}

// Says whether the answer could be sent.
task<bool> connection::answer_error(const request* rq, response& rs, const error& why, std::string_view id) {
  rs.reset();
  rs.status = status_of(why.code);
  std::string type = "text/plain", text = why.message + "\n";
  if (config_.render_error) {
    int status = rs.status;
    text = config_.render_error(rq, why, status, id, type);
    rs.status = status;
  }
  if (rq != nullptr && rq->content().chunked() && !rq->content().done()) rs.close = true; // who knows how much follows
  if (!type.empty()) rs.set("Content-Type", type);
  if (rs.status == 503) rs.set("Retry-After", "1");
  try {
    co_await rs.send(text);
  } catch (const peer_gone&) { co_return false; }
  co_return true;
}

// After the answer: keep the connection if what is left of the body is worth swallowing.
task<bool> connection::settle(const response& rs, body& content, bool head_parsed) {
  bool keep = !rs.close && !content.awaiting_continue();
  if (keep && !content.done()) {
    try {
      std::array<std::byte, 2048> sink; // in the frame of this rare coroutine only
      std::uint64_t dropped = 0;
      while (keep && !content.done()) {
        dropped += co_await content.read(sink);
        if (dropped > limits_.drain_bytes_max) keep = false;
      }
    } catch (const std::exception&) { keep = false; }
  }
  if (keep) co_return true;
  // Nothing more to come: a plain close is no reset.
  bool all_read =
    head_parsed && content.done() && state_.buffered() == 0 && state_.io.read_now(state_.buffer, state_.capacity) == 0;
  if (all_read)
    state_.io.shutdown_write();
  else
    co_await linger();
  co_return false;
}

// Closes so that the client reads our answer before it sees a reset: half-close, then drop what still comes, bounded
// in bytes and, by the sweep, in time.
task<> connection::linger() {
  state_.timed_out = false;
  state_.enter(phase::linger, limits_.linger_time);
  state_.io.shutdown_write();
  if (state_.buffer == nullptr) co_return;
  for (std::uint64_t dropped = 0; dropped < limits_.linger_bytes_max;) {
    auto r = co_await state_.io.read_some(state_.buffer, state_.capacity);
    if (r.bytes == 0 && !r.error && !state_.timed_out) co_return; // it has read our answer, and is done
    if (r.bytes == 0) break;
    dropped += r.bytes;
  }
  // It still sends: a plain close may leave it waiting for a window that never opens.
  state_.io.reset_on_close();
}

} // namespace troupe::http
