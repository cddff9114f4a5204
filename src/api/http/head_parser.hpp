// head_parser: fills a request_head from bytes as they come, with Beast's basic_parser, and refuses every framing that
// two parsers could read differently (request smuggling). Beast 1.81 lets through an unknown Transfer-Encoding,
// chunked on HTTP/1.0, obs-fold and bare control characters: those are refused here. Internal to this folder.
#pragma once

#include "api/http/head.hpp"
#include "base/error.hpp"

#include <boost/beast/http/basic_parser.hpp>

#include <cstddef>
#include <optional>

namespace troupe::http {

class head_parser final : private boost::beast::http::basic_parser<true> {
public:
  // bytes_max bounds the head. The views of `head` point into what feed() is given.
  head_parser(request_head& head, std::size_t bytes_max);

  // Takes what it can of `in`, which must follow directly, in memory, what was taken before. The error, if any, is
  // the answer to give; the connection is then of no more use.
  struct progress {
    std::size_t used = 0;
    std::optional<error> refusal;
  };
  progress feed(std::string_view in);
  bool done() const { return done_; }
  // After done(): checks what can only be judged as a whole. `text` is the head's bytes.
  std::optional<error> check(std::string_view text);
  // The bytes given so far were moved.
  void moved(const char* from, const char* to);

private:
  using sv = boost::beast::string_view;
  using beast_error = boost::beast::error_code;
  void on_request_impl(boost::beast::http::verb, sv method, sv target, int version, beast_error&) override;
  void on_response_impl(int, sv, int, beast_error&) override {}
  void on_field_impl(boost::beast::http::field f, sv name, sv value, beast_error&) override;
  void on_header_impl(beast_error&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, beast_error&) override {}
  std::size_t on_body_impl(sv, beast_error&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, sv, beast_error&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, sv, beast_error&) override { return 0; }
  void on_finish_impl(beast_error&) override {}
  void refuse(const char* why) {
    if (bad_ == nullptr) bad_ = why;
  }

  request_head& head_;
  const char* bad_ = nullptr;
  const char *first_ = nullptr, *last_ = nullptr; // the bytes given so far
  unsigned hosts_ = 0, lengths_ = 0, encodings_ = 0;
  bool done_ = false, unknown_expectation_ = false;
};

} // namespace troupe::http
