#include "api/http/response.hpp"

#include "api/http/body.hpp"
#include "api/http/connection_state.hpp"
#include "api/http/head.hpp"
#include "api/http/reason.hpp"

#include <array>
#include <charconv>
#include <stdexcept>
#include <string>

namespace troupe::http {

namespace {

bool is_ours(std::string_view name) {
  return same_name(name, "content-length") || same_name(name, "transfer-encoding") || same_name(name, "connection") ||
    same_name(name, "date");
}

// CR, LF and NUL would end the field, and begin what someone else wrote.
void append_clean(std::string& to, std::string_view from) {
  constexpr std::string_view forbidden{"\r\n\0", 3};
  if (from.find_first_of(forbidden) == from.npos) {
    to += from;
    return;
  }
  for (char c : from)
    if (forbidden.find(c) == forbidden.npos) to += c;
}

} // namespace

response::response(connection_state& connection, const http::body& content, framing how)
    : connection_(connection), content_(content), how_(how) {
  close = how.close;
  connection_.fields.clear();
}

response& response::set(std::string_view name, std::string_view value) {
  if (is_ours(name)) return *this;
  auto& out = connection_.fields;
  append_clean(out, name);
  out += ": ";
  append_clean(out, value);
  out += "\r\n";
  return *this;
}

task<> response::send(std::string_view content) {
  co_await start(content.size(), as_bytes(content));
  finished_ = true;
}

task<> response::send_chunk(chunk content) {
  co_await start(content.size(), content.view());
  finished_ = true;
}

task<> response::begin(std::optional<std::uint64_t> length) { co_await start(length, {}); }

task<> response::write(bytes_view content) {
  if (content.empty() || bodyless_) co_return;
  if (!started_ || finished_) throw std::logic_error{"write() outside of begin() and finish()"};
  if (length_ && content.size() > *length_ - sent_) throw std::logic_error{"a response longer than its Content-Length"};
  connection_.wait_for_client(phase::write);
  error_code e;
  if (chunked_) {
    std::array<char, 20> size{};
    auto* last = std::to_chars(size.data(), size.data() + 16, content.size(), 16).ptr;
    *last++ = '\r';
    *last++ = '\n';
    std::string_view frame{size.data(), static_cast<std::size_t>(last - size.data())};
    e = co_await connection_.io.write(as_bytes(frame), content, as_bytes("\r\n"));
  } else {
    e = co_await connection_.io.write(content);
  }
  connection_.back_to_handler();
  if (e) throw peer_gone{"the client left within the response"};
  sent_ += content.size();
}

task<> response::finish() {
  if (finished_) co_return;
  if (!started_) {
    co_await send();
    co_return;
  }
  if (length_ && !bodyless_ && sent_ != *length_) throw std::logic_error{"a response shorter than its Content-Length"};
  if (chunked_ && !bodyless_) {
    connection_.wait_for_client(phase::write);
    auto e = co_await connection_.io.write(as_bytes("0\r\n\r\n"));
    connection_.back_to_handler();
    if (e) throw peer_gone{"the client left within the response"};
  }
  finished_ = true;
}

task<> response::start(std::optional<std::uint64_t> length, bytes_view content) {
  if (started_) throw std::logic_error{"a response that has started already"};
  started_ = true;
  length_ = length;
  bodyless_ = how_.head_only || status == 204 || status == 304;
  chunked_ = !length && !how_.http10;
  if (!length && how_.http10) close = true;
  // Never told to continue: its body may or may not follow. Too much unread: not worth swallowing.
  if (content_.awaiting_continue() || connection_.closing) close = true;
  if (!content_.done() && content_.left() > how_.drain_bytes_max) close = true;
  compose(length);
  connection_.wait_for_client(phase::write);
  bytes_view first = bodyless_ ? bytes_view{} : content;
  auto e = co_await connection_.io.write(as_bytes(connection_.preamble), as_bytes(connection_.fields), first);
  connection_.back_to_handler();
  if (e) throw peer_gone{"the client left before the response"};
  sent_ += first.size();
}

void response::compose(std::optional<std::uint64_t> length) {
  std::array<char, 24> number{};
  auto digits = [&](std::uint64_t v) {
    auto* last = std::to_chars(number.data(), number.data() + number.size(), v).ptr;
    return std::string_view{number.data(), static_cast<std::size_t>(last - number.data())};
  };
  auto& out = connection_.preamble;
  out = "HTTP/1.1 ";
  out += digits(static_cast<std::uint64_t>(status));
  out += ' ';
  out += reason_of(status);
  out += "\r\nDate: ";
  out += connection_.home.date();
  if (!how_.request_id_field.empty()) {
    out += "\r\n";
    out += how_.request_id_field;
    out += ": ";
    out += how_.request_id;
  }
  if (!how_.trace_response.empty()) {
    out += "\r\ntraceresponse: ";
    out += how_.trace_response;
  }
  if (status != 204 && status != 304) {
    if (length) {
      out += "\r\nContent-Length: ";
      out += digits(*length);
    } else if (chunked_) {
      out += "\r\nTransfer-Encoding: chunked";
    }
  }
  if (close)
    out += "\r\nConnection: close";
  else if (how_.http10)
    out += "\r\nConnection: keep-alive";
  out += "\r\n";
  connection_.fields += "\r\n";
}

void response::reset() {
  connection_.fields.clear();
  status = 200;
}

} // namespace troupe::http
