// What the server does with heads that are malformed, ambiguous or too large.
#include "http_fixture.hpp"

#include <catch2/catch.hpp>

using namespace troupe;
using namespace troupe::test;

namespace {

struct refused {
  const char* what;
  std::string request;
  int status;
};

std::string nul(std::string s) {
  for (auto& c : s)
    if (c == '@') c = '\0';
  return s;
}

} // namespace

TEST_CASE_METHOD(http_fixture, "a request with ambiguous framing is answered 400 and its connection closed") {
  auto port = start();
  std::string host = "Host: x\r\n", te = "Transfer-Encoding: chunked\r\n", put_start = "PUT /count HTTP/1.1\r\n" + host;
  std::vector<refused> table{
    {"both length and encoding", put_start + "Content-Length: 5\r\n" + te + "\r\n0\r\n\r\n", 400},
    {"encoding, then length", put_start + te + "Content-Length: 5\r\n\r\n0\r\n\r\n", 400},
    {"two lengths", put_start + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef", 400},
    {"the same length twice", put_start + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nabcde", 400},
    {"a list of lengths", put_start + "Content-Length: 5, 6\r\n\r\nabcdef", 400},
    {"a list of equal lengths", put_start + "Content-Length: 5, 5\r\n\r\nabcde", 400},
    {"a signed length", put_start + "Content-Length: +5\r\n\r\nabcde", 400},
    {"a negative length", put_start + "Content-Length: -1\r\n\r\n", 400},
    {"a hexadecimal length", put_start + "Content-Length: 0x5\r\n\r\nabcde", 400},
    {"an empty length", put_start + "Content-Length: \r\n\r\n", 400},
    {"a length over 64 bits", put_start + "Content-Length: 18446744073709551616\r\n\r\n", 400},
    {"an unknown encoding", put_start + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400},
    {"chunked twice", put_start + te + te + "\r\n0\r\n\r\n", 400},
    {"gzip, chunked", put_start + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400},
    {"chunked, identity", put_start + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400},
    {"chunked on HTTP/1.0", "PUT /count HTTP/1.0\r\n" + te + "\r\n0\r\n\r\n", 400},
    {"space before the colon", "GET /hello HTTP/1.1\r\nHost : x\r\n\r\n", 400},
    {"space before the colon of a framing header", put_start + "Content-Length : 5\r\n\r\nabcde", 400},
    {"a folded header", "GET /hello HTTP/1.1\r\n" + host + "A: b\r\n  c\r\n\r\n", 400},
    {"a header folded to nothing", "GET /hello HTTP/1.1\r\n" + host + "A:\r\n \r\n\r\n", 400},
    {"a folded framing header", put_start + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400},
    {"a first line that begins with space", "GET /hello HTTP/1.1\r\n Host: x\r\n\r\n", 400},
    {"NUL in a value", nul("GET /hello HTTP/1.1\r\n" + host + "A: b@c\r\n\r\n"), 400},
    {"NUL in a name", nul("GET /hello HTTP/1.1\r\n" + host + "A@: b\r\n\r\n"), 400},
    {"NUL in the target", nul("GET /hel@lo HTTP/1.1\r\n" + host + "\r\n"), 400},
    {"a bare CR in a value", "GET /hello HTTP/1.1\r\n" + host + "A: b\rc\r\n\r\n", 400},
    {"a bare CR before a header", "GET /hello HTTP/1.1\r\n" + host + "A: b\rContent-Length: 5\r\n\r\n", 400},
    {"bare LF line ends", "GET /hello HTTP/1.1\nHost: x\n\n", 0},
    {"a bare LF within", "GET /hello HTTP/1.1\r\n" + host + "A: b\nC: d\r\n\r\n", 400},
    {"another control character", "GET /hello HTTP/1.1\r\n" + host + "A: b\x01\r\n\r\n", 400},
    {"no host", "GET /hello HTTP/1.1\r\n\r\n", 400},
    {"two hosts", "GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
    {"a header without a name", "GET /hello HTTP/1.1\r\n" + host + ": v\r\n\r\n", 400},
    {"a header without a colon", "GET /hello HTTP/1.1\r\n" + host + "nonsense\r\n\r\n", 400},
    {"a space in the target", "GET /a b HTTP/1.1\r\n" + host + "\r\n", 0}, // any refusal: checked below
    {"HTTP/0.9", "GET /\r\n\r\n", 0},
    {"HTTP/2.0", "GET / HTTP/2.0\r\n" + host + "\r\n", 505},
    {"HTTP/1.2", "GET / HTTP/1.2\r\n" + host + "\r\n", 505},
    {"the HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
    {"an unknown expectation", put_start + "Content-Length: 5\r\nExpect: tea\r\n\r\nabcde", 417},
    {"an authority as target", "CONNECT x:80 HTTP/1.1\r\n" + host + "\r\n", -400},
    {"an asterisk as target", "OPTIONS * HTTP/1.1\r\n" + host + "\r\n", -400},
  };
  for (auto& row : table) {
    INFO(row.what);
    raw_client c{port};
    c.send(row.request + get("/hello")); // a smuggled second request must never be answered
    auto a = c.read();
    if (row.status == 0)
      CHECK((a.status == 400 || a.status == 505));
    else
      CHECK(a.status == std::abs(row.status));
    if (row.status < 0) continue; // well framed: the connection may go on
    CHECK(a.header("connection") == "close");
    CHECK(c.read().status == 0);
  }
}

// An answer in the clear would be noise to a TLS client; the end of the connection is what it understands.
TEST_CASE_METHOD(http_fixture, "a TLS hello is not answered in the clear, and its connection ends") {
  raw_client c{start()};
  c.send(nul("\x16\x03\x01@\xf0\x01@@\xec\x03\x03") + get("/hello")); // a smuggled request is not answered either
  CHECK(c.read().status == 0);
}

TEST_CASE_METHOD(http_fixture, "a refused head is rendered without a request") {
  raw_client c{start()};
  auto a = c.exchange("GET /hello HTTP/1.1\r\nHost : x\r\n\r\n");
  CHECK(a.body == "bad_request without a request");
  CHECK(a.header("x-amz-request-id").size() == 16);
}

TEST_CASE_METHOD(http_fixture, "a head over 16 KiB is answered 431") {
  auto port = start();
  std::string many;
  for (int i = 0; i < 5000; ++i) many += "a: b\r\n";
  for (auto& request : {get("/hello", "X-Test: " + std::string(17'000, 'a') + "\r\n"),
         get("/" + std::string(20'000, 'a')), get("/hello", many)}) {
    raw_client c{port};
    auto a = c.exchange(request);
    CHECK(a.status == 431);
    CHECK(a.body == "header_section_too_large without a request");
  }
}

TEST_CASE_METHOD(http_fixture, "a head up to 16 KiB is read, in one piece or byte by byte") {
  raw_client c{start()};
  auto long_value = std::string(15'000, 'a');
  CHECK(c.exchange(get("/header", "X-Test: " + long_value + "\r\n")).body == long_value);
  auto request = put("/echo", "12345", "X-Test: " + std::string(9'000, 'b') + "\r\n");
  for (std::size_t i = 0; i < request.size(); i += i < 100 || i + 100 > request.size() ? 1 : 997) {
    auto next = i < 100 || i + 100 > request.size() ? 1 : 997;
    c.send(std::string_view{request}.substr(i, static_cast<std::size_t>(next)));
  }
  CHECK(c.read().body == "12345");
}
