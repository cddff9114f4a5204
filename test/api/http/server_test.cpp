#include "http_fixture.hpp"

#include <catch2/catch.hpp>

using namespace troupe;
using namespace troupe::test;

TEST_CASE_METHOD(http_fixture, "a connection serves one request after another") {
  raw_client c{start()};
  for (int i = 0; i < 3; ++i) {
    auto a = c.exchange(get("/hello"));
    CHECK(a.status == 200);
    CHECK(a.body == "hello");
    CHECK(a.header("connection").empty());
  }
  CHECK(server->connections() == 1);
}

TEST_CASE_METHOD(http_fixture, "a response carries the injected clock's date and an id that the handler knows") {
  raw_client c{start()};
  auto a = c.exchange(get("/hello")), b = c.exchange(get("/hello"));
  CHECK(a.header("date") == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(a.header("x-amz-request-id").size() == 16);
  CHECK(a.header("x-amz-request-id") == a.header("x-id"));
  CHECK(a.header("x-id") != b.header("x-id"));
}

TEST_CASE_METHOD(http_fixture, "pipelined requests are answered in order") {
  raw_client c{start()};
  std::string all;
  for (int i = 0; i < 60; ++i) {
    auto content = std::string(static_cast<std::size_t>(i * 101), 'p');
    all += i % 3 == 0 ? get("/hello") : i % 3 == 1 ? put("/echo", content) : "HEAD /hello HTTP/1.1\r\nHost: x\r\n\r\n";
  }
  c.send(all);
  for (int i = 0; i < 60; ++i) {
    auto a = c.read(i % 3 == 2);
    REQUIRE(a.status == 200);
    if (i % 3 == 1) REQUIRE(a.body == std::string(static_cast<std::size_t>(i * 101), 'p'));
  }
}

TEST_CASE_METHOD(http_fixture, "HEAD is answered with the headers of GET and no body") {
  raw_client c{start()};
  auto a = c.exchange("HEAD /sized?n=1000 HTTP/1.1\r\nHost: x\r\n\r\n", true);
  CHECK(a.header("content-length") == "1000");
  CHECK(c.exchange(get("/hello")).body == "hello"); // nothing of a body came in between
}

TEST_CASE_METHOD(http_fixture, "HTTP/1.0 closes unless the client asks to keep the connection") {
  auto port = start();
  raw_client once{port};
  auto a = once.exchange("GET /hello HTTP/1.0\r\n\r\n");
  CHECK(a.body == "hello");
  CHECK(a.header("connection") == "close");
  CHECK(once.wait_end() == raw_client::ended::regularly);
  raw_client kept{port};
  CHECK(kept.exchange("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").header("connection") == "keep-alive");
  CHECK(kept.exchange("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").body == "hello");
}

TEST_CASE_METHOD(http_fixture, "a response of unknown length is chunked, and for HTTP/1.0 ends with the connection") {
  auto port = start();
  raw_client c{port};
  auto a = c.exchange(get("/chunked?n=1000000"));
  CHECK(a.header("transfer-encoding") == "chunked");
  CHECK(a.complete);
  CHECK(a.body.size() == 1'000'000);
  raw_client old{port};
  auto b = old.exchange("GET /chunked?n=1000000 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  CHECK(b.header("connection") == "close");
  CHECK(b.header("transfer-encoding").empty());
  CHECK(b.complete);
  CHECK(b.body.size() == 1'000'000);
}

TEST_CASE_METHOD(http_fixture, "Connection: close is honoured") {
  raw_client c{start()};
  auto a = c.exchange(get("/hello", "Connection: close\r\n") + get("/hello"));
  CHECK(a.header("connection") == "close");
  CHECK(c.wait_end() == raw_client::ended::regularly);
}

TEST_CASE_METHOD(http_fixture, "a target is taken as sent, whatever is in it") {
  raw_client c{start()};
  auto port = server->port();
  (void)port;
  CHECK(c.exchange(get("http://somewhere/hello")).body == "hello");
  CHECK(c.exchange("\r\n\r\n" + get("/hello")).body == "hello"); // RFC 9112 section 2.2
  CHECK(c.exchange(get("/%70ath")).body == "/%70ath");
  CHECK(c.exchange(get("/a//b/../c")).status == 404);
  CHECK(c.exchange(get("/\xc3\xa9|{}")).status == 404);
  auto bad = c.exchange(get("/a%zz"));
  CHECK(bad.status == 400);
  CHECK(bad.body == "invalid_uri");
}

TEST_CASE_METHOD(http_fixture, "header names are matched without regard to case") {
  raw_client c{start()};
  CHECK(c.exchange(get("/header", "x-TeSt:  some value \r\n")).body == "some value");
}

TEST_CASE_METHOD(http_fixture, "a header value cannot smuggle another header into the response") {
  raw_client c{start()};
  auto a = c.exchange(get("/inject"));
  CHECK(a.header("x-evil") == "aX-More: b");
  CHECK(!a.headers.contains("x-more"));
  CHECK(a.header("content-length") == "0");
}

TEST_CASE_METHOD(http_fixture, "an error is rendered by the surface, and the connection goes on") {
  raw_client c{start()};
  auto a = c.exchange(get("/deny"));
  CHECK(a.status == 403);
  CHECK(a.body == "access_denied");
  CHECK(a.header("content-type") == "text/x-error");
  auto bug = c.exchange(get("/boom"));
  CHECK(bug.status == 500);
  CHECK(bug.body == "internal");
  CHECK(watcher.wait([](auto& w) { return w.failures == std::vector<std::string>{"a bug"}; }));
  CHECK(c.exchange(get("/empty")).status == 204);
}

TEST_CASE_METHOD(http_fixture, "an error after the response has started cuts the connection") {
  auto port = start();
  for (auto target : {"/midway", "/midway?chunked", "/short"}) {
    raw_client c{port};
    auto a = c.exchange(get(target));
    CHECK(!a.complete);
  }
  raw_client old{port}; // no framing but the end of the connection: it must not end regularly
  old.send("GET /midway?chunked HTTP/1.0\r\n\r\n");
  CHECK(old.wait_end() == raw_client::ended::by_reset);
}

TEST_CASE_METHOD(http_fixture, "every request is reported once it has finished") {
  raw_client c{start()};
  c.exchange(put("/echo?a", "12345"));
  CHECK(watcher.wait([](auto& w) { return !w.lines.empty(); }));
  auto& line = watcher.lines.at(0);
  CHECK(line.method == "PUT");
  CHECK(line.target == "/echo?a");
  CHECK(line.operation == "Tested");
  CHECK(line.status == 200);
  CHECK(line.bytes_in == 5);
  CHECK(line.bytes_out == 5);
}

TEST_CASE_METHOD(http_fixture, "a client that leaves within a response ends its handler") {
  raw_client c{start()};
  c.send(get("/sized?n=1000000000"));
  c.read_head();
  c.leave_with_reset();
  CHECK(watcher.wait([](auto& w) { return w.open == 0; }));
  CHECK(watcher.lines.at(0).status == 499);
}

TEST_CASE_METHOD(http_fixture, "connections are dealt to all io threads") {
  auto c = config();
  c.threads = 3;
  auto port = start(std::move(c));
  std::vector<raw_client> clients;
  for (int i = 0; i < 9; ++i) {
    clients.emplace_back(port);
    REQUIRE(clients.back().exchange(get("/hello")).status == 200);
  }
  for (unsigned i = 0; i < 3; ++i) CHECK(server->io(i).connections == 3);
}

TEST_CASE_METHOD(http_fixture, "a connection over the maximum is told to slow down") {
  auto c = config();
  c.connections_max = 2;
  auto port = start(std::move(c));
  raw_client one{port}, two{port};
  CHECK(one.exchange(get("/hello")).status == 200);
  CHECK(two.exchange(get("/hello")).status == 200);
  {
    raw_client three{port};
    auto a = three.exchange(get("/hello"));
    CHECK(a.status == 503);
    CHECK(a.body == "slow_down");
    CHECK(a.header("connection") == "close");
    CHECK(three.wait_end() == raw_client::ended::regularly);
  }
  CHECK(one.exchange(get("/hello")).status == 200);
}

TEST_CASE_METHOD(http_fixture, "a port in use is an error that says so") {
  auto port = start();
  auto c = config();
  c.port = port;
  http::server second{std::move(c)};
  auto r = second.start();
  REQUIRE(!r);
  CHECK(r.error().code == ec::conflict);
  CHECK(r.error().message == "cannot listen on 127.0.0.1:" + std::to_string(port) + ": Address already in use");
}

TEST_CASE_METHOD(http_fixture, "a host that is no address is an error") {
  auto c = config();
  c.host = "not an address";
  http::server s{std::move(c)};
  CHECK(s.start().error().code == ec::bad_argument);
}

TEST_CASE_METHOD(http_fixture, "a server listens on all addresses of both families") {
  auto c = config();
  c.host = "::";
  raw_client v4{start(std::move(c))};
  CHECK(v4.exchange(get("/hello")).status == 200);
}
