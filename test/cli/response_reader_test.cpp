#include "cli/response_reader.hpp"

#include <catch2/catch.hpp>

using troupe::cli::response_reader;
using progress = response_reader::progress;

namespace {

// In pieces of every size from 1 byte to all of it the outcome must be the same.
void check_in_pieces(const std::string& text, int status, std::uint64_t body_bytes, bool keep_alive) {
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    response_reader reader;
    auto got = progress::more;
    for (std::size_t at = 0; at < text.size(); at += piece) {
      REQUIRE(got == progress::more);
      got = reader.take(std::string_view{text}.substr(at, piece));
    }
    INFO("pieces of " << piece);
    REQUIRE(got == progress::complete);
    CHECK(reader.status() == status);
    CHECK(reader.body_bytes() == body_bytes);
    CHECK(reader.keep_alive() == keep_alive);
  }
}

} // namespace

TEST_CASE("an answer with a length is complete at its last byte, however it is cut") {
  check_in_pieces("HTTP/1.1 200 OK\r\ncontent-LENGTH: 5\r\nX: y\r\n\r\nhello", 200, 5, true);
  check_in_pieces("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, 0, true);
  check_in_pieces("HTTP/1.1 204 No Content\r\nConnection: Close\r\n\r\n", 204, 0, false);
  check_in_pieces("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", 200, 1, true);
}

TEST_CASE("a chunked answer is complete after its last chunk") {
  check_in_pieces("HTTP/1.1 503 Slow\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 503, 13, true);
}

TEST_CASE("an answer without a length ends with its connection") {
  response_reader reader;
  CHECK(reader.take("HTTP/1.1 200 OK\r\n\r\nabc") == progress::more);
  CHECK(reader.ended() == progress::complete);
  CHECK_FALSE(reader.keep_alive());
}

TEST_CASE("a connection that ends before its answer is complete is broken") {
  response_reader reader;
  CHECK(reader.ended() == progress::broken);
  CHECK_FALSE(reader.begun());
  CHECK(reader.take("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc") == progress::more);
  CHECK(reader.begun());
  CHECK(reader.ended() == progress::broken);
}

TEST_CASE("what is not an HTTP answer is broken, not misread") {
  for (const auto* text : {"SSH-2.0-x\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n",
         "HTTP/1.1 200 OK\r\nContent-Length: 4x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab"}) {
    response_reader reader;
    INFO(text);
    CHECK(reader.take(text) == progress::broken);
  }
  response_reader endless;
  auto got = progress::more;
  for (int i = 0; i != 100 && got == progress::more; ++i) got = endless.take(std::string(1024, 'x'));
  CHECK(got == progress::broken);
}

TEST_CASE("an error is named by S3's code, or by its status") {
  response_reader reader;
  const std::string body = "<Error><Code>SlowDown</Code></Error>";
  CHECK(reader.take("HTTP/1.1 503 Slow\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body) ==
    progress::complete);
  CHECK(reader.error_kind() == "SlowDown");
  reader.reset();
  CHECK(reader.take("HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n") == progress::complete);
  CHECK(reader.error_kind() == "HTTP 502");
}
