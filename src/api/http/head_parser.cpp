#include "api/http/head_parser.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>

#include <charconv>

namespace troupe::http {

namespace beast = boost::beast::http;

namespace {

std::string_view plain(boost::beast::string_view s) { return {s.data(), s.size()}; }

error refusal_of(const boost::beast::error_code& e) {
  if (e == beast::error::header_limit || e == beast::error::buffer_overflow)
    return fail(ec::header_section_too_large, "the request line and headers are too large");
  if (e == beast::error::bad_version)
    return fail(ec::http_version_not_supported, "only HTTP/1.1 and HTTP/1.0 are served");
  return fail(ec::bad_request, "malformed request: " + e.message());
}

// Digits only (no sign, no list), and within 64 bits.
std::optional<std::uint64_t> length_of(std::string_view s) {
  std::uint64_t n = 0;
  auto [last, e] = std::from_chars(s.data(), s.data() + s.size(), n);
  if (s.empty() || e != std::errc{} || last != s.data() + s.size()) return std::nullopt;
  return n;
}

// What is wrong with the bytes themselves: folded lines, control characters, a CR without its LF.
const char* suspicious(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != 0x7f) continue;
    if (c == '\t') continue;
    if (c == '\r' && i + 1 < text.size() && text[i + 1] == '\n') {
      if (i + 2 < text.size() && (text[i + 2] == ' ' || text[i + 2] == '\t')) return "a header line is folded";
      ++i;
      continue;
    }
    return "a control character in the head";
  }
  return nullptr;
}

} // namespace

head_parser::head_parser(request_head& head, std::size_t bytes_max) : head_(head) {
  head_.headers.clear();
  head_.method = head_.target = head_.host = {};
  head_.version = 11;
  head_.chunked = head_.expect_continue = false;
  head_.content_length.reset();
  head_.keep_alive = true;
  header_limit(static_cast<std::uint32_t>(bytes_max));
  body_limit(boost::none);
}

head_parser::progress head_parser::feed(std::string_view in) {
  boost::beast::error_code e;
  progress p;
  if (first_ == nullptr) first_ = in.data();
  last_ = in.data() + in.size();
  p.used = put(boost::asio::const_buffer{in.data(), in.size()}, e);
  done_ = is_header_done();
  if (!done_ && e && e != beast::error::need_more) p.refusal = refusal_of(e);
  return p;
}

std::optional<error> head_parser::check(std::string_view text) {
  if (head_.version != 11 && head_.version != 10)
    return fail(ec::http_version_not_supported, "only HTTP/1.1 and HTTP/1.0 are served");
  if (bad_ == nullptr) bad_ = suspicious(text);
  if (hosts_ > 1 || (hosts_ == 0 && head_.version == 11)) refuse("exactly one Host header is needed");
  if (lengths_ > 1) refuse("more than one Content-Length");
  if (encodings_ > 1) refuse("more than one Transfer-Encoding");
  if (encodings_ != 0 && lengths_ != 0) refuse("both Content-Length and Transfer-Encoding");
  if (encodings_ != 0 && head_.version != 11) refuse("Transfer-Encoding with HTTP/1.0");
  if (bad_ != nullptr) return fail(ec::bad_request, std::string{"malformed request: "} + bad_);
  if (unknown_expectation_) return fail(ec::expectation_failed, "the only known expectation is 100-continue");
  if (head_.version == 10) head_.expect_continue = false;
  head_.keep_alive = keep_alive();
  return std::nullopt;
}

void head_parser::moved(const char* from, const char* to) {
  if (first_ == nullptr) return;
  auto follow = [&](std::string_view& v) {
    if (v.data() != nullptr) v = {to + (v.data() - from), v.size()};
  };
  first_ = to + (first_ - from);
  follow(head_.method);
  follow(head_.target);
  follow(head_.host);
  for (auto& h : head_.headers) {
    follow(h.name);
    follow(h.value);
  }
}

void head_parser::on_request_impl(beast::verb, sv method, sv target, int version, beast_error&) {
  head_.method = plain(method);
  head_.target = plain(target);
  head_.version = version;
}

void head_parser::on_field_impl(beast::field f, sv name, sv value, beast_error&) {
  header h{plain(name), plain(value)};
  // Beast unfolds a folded line into a buffer of its own, which dies with this call: such a head is refused by
  // check(), and until then the value must not point there.
  if (!h.value.empty() && (h.value.data() < first_ || h.value.data() >= last_)) {
    refuse("a header line is folded");
    h.value = {};
  }
  switch (f) {
  case beast::field::host:
    ++hosts_;
    head_.host = h.value;
    break;
  case beast::field::content_length:
    ++lengths_;
    head_.content_length = length_of(h.value);
    if (!head_.content_length) refuse("Content-Length is no number");
    break;
  case beast::field::transfer_encoding:
    ++encodings_;
    head_.chunked = same_name(h.value, "chunked");
    if (!head_.chunked) refuse("the only known Transfer-Encoding is chunked");
    break;
  case beast::field::expect:
    head_.expect_continue = same_name(h.value, "100-continue");
    unknown_expectation_ = !head_.expect_continue;
    break;
  default: break;
  }
  head_.headers.push_back(h);
}

} // namespace troupe::http
