#include "http_fixture.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <thread>

using namespace troupe;
using namespace troupe::test;

namespace {

std::string chunk_of(std::string_view data) {
  char size[20];
  auto n = std::snprintf(size, sizeof size, "%zx\r\n", data.size());
  return std::string(size, static_cast<std::size_t>(n)) + std::string{data} + "\r\n";
}

constexpr auto chunked_put = "PUT /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";

} // namespace

TEST_CASE_METHOD(http_fixture, "a body of any size arrives whole") {
  raw_client c{start()};
  for (std::size_t n : {0u, 1u, 4096u, 8192u, 100'000u, 3'000'000u}) {
    std::string content(n, '\0');
    for (std::size_t i = 0; i < n; ++i) content[i] = static_cast<char>(i * 7 + i / 251);
    std::thread sender{[&] { c.send(put("/echo", content)); }};
    auto a = c.read();
    sender.join();
    REQUIRE(a.body == content);
  }
}

TEST_CASE_METHOD(http_fixture, "a chunked body arrives whole, however it is cut") {
  raw_client c{start()};
  std::mt19937 dice{7};
  for (int round = 0; round < 20; ++round) {
    std::string content, framed;
    for (int i = 0; i < 10; ++i) {
      static constexpr std::array<std::size_t, 5> sizes{1, 7, 1000, 20'000, 70'000};
      std::string data(sizes[dice() % sizes.size()], static_cast<char>('a' + i));
      content += data;
      framed += chunk_of(data);
    }
    framed += "0\r\nTrailer: x\r\n\r\n";
    c.send(chunked_put);
    for (std::size_t i = 0; i < framed.size();) {
      static constexpr std::array<std::size_t, 5> cuts{1, 3, 100, 5000, 40'000};
      auto k = cuts[dice() % cuts.size()];
      c.send(std::string_view{framed}.substr(i, k));
      i += k;
    }
    auto a = c.read();
    REQUIRE(a.body == content);
  }
  CHECK(c.exchange(std::string{chunked_put} + "0\r\n\r\n").body.empty());
}

TEST_CASE_METHOD(http_fixture, "a chunked body right behind a nearly full head arrives whole") {
  raw_client c{start()};
  std::string content(50'000, 'c');
  auto head =
    "PUT /echo HTTP/1.1\r\nHost: x\r\nX-Test: " + std::string(16'000, 'h') + "\r\nTransfer-Encoding: chunked\r\n\r\n";
  CHECK(c.exchange(head + chunk_of(content) + "0\r\n\r\n" + get("/hello")).body == content);
  CHECK(c.read().body == "hello");
}

TEST_CASE_METHOD(http_fixture, "malformed chunked framing is answered 400 and the connection closed") {
  auto port = start();
  for (auto framing :
    {"zz\r\n", "fffffffffffffffff\r\n", "3\r\nabcXX0\r\n\r\n", "3\nabc\r\n0\r\n\r\n", "3 \r\nabc\r\n0\r\n\r\n"}) {
    INFO(framing);
    raw_client c{port};
    auto a = c.exchange(std::string{chunked_put} + framing);
    CHECK(a.status == 400);
    CHECK(a.body == "bad_request");
    CHECK(a.header("connection") == "close");
    c.wait_end();
  }
}

TEST_CASE_METHOD(http_fixture, "100 Continue is sent when the handler reads, and only then") {
  auto port = start();
  std::string expect = "Content-Length: 1000\r\nExpect: 100-continue\r\n\r\n";
  raw_client c{port};
  c.send("PUT /count HTTP/1.1\r\nHost: x\r\n" + expect);
  CHECK(c.read().status == 100);
  CHECK(c.exchange(std::string(1000, 'x')).body == "1000");
  CHECK(c.exchange(get("/hello")).status == 200);
  for (auto [target, status] : {std::pair{"/deny", 403}, {"/hello", 200}, {"/boom", 500}}) {
    raw_client d{port};
    auto a = d.exchange("PUT " + std::string{target} + " HTTP/1.1\r\nHost: x\r\n" + expect);
    CHECK(a.status == status);
    CHECK(a.header("connection") == "close"); // its body may come or not
  }
  raw_client eager{port}; // sends the body without waiting
  CHECK(eager.exchange("PUT /count HTTP/1.1\r\nHost: x\r\n" + expect + std::string(1000, 'x')).status == 100);
  CHECK(eager.read().body == "1000");
  raw_client empty{port}; // announced, though nothing will follow: its client waits all the same
  CHECK(empty.exchange(put("/count", "", "Expect: 100-continue\r\n")).status == 100);
  CHECK(empty.read().body == "0");
  CHECK(empty.exchange(get("/hello")).status == 200);
  raw_client none{port};
  CHECK(none.exchange(get("/hello", "Expect: 100-continue\r\n")).body == "hello");
}

TEST_CASE_METHOD(http_fixture, "a client that sends a large body reads an early error, and no reset") {
  auto port = start();
  for (auto target : {"/deny", "/deny-after?n=1000000"}) {
    raw_client c{port};
    c.send("PUT " + std::string{target} + " HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n");
    std::string piece(65536, 'q');
    for (int i = 0; i < 160; ++i) REQUIRE(c.send(piece)); // 10 MiB, whether it is wanted or not
    auto a = c.read();
    CHECK(a.status == 403);
    CHECK(a.header("connection") == "close");
    CHECK(a.complete);
  }
}

TEST_CASE_METHOD(http_fixture, "a small unread body is swallowed and the connection kept") {
  raw_client c{start()};
  auto a = c.exchange(put("/deny", std::string(100'000, 'z')));
  CHECK(a.status == 403);
  CHECK(a.header("connection").empty());
  CHECK(c.exchange(put("/hello", "unread")).body == "hello");
  c.send(put("/hello", std::string(300'000, 'z')));
  CHECK(c.read().header("connection") == "close"); // over drain_bytes_max
}

TEST_CASE_METHOD(http_fixture, "a body that is shorter than declared is answered incomplete_body") {
  auto port = start();
  for (auto request : {"PUT /count HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc",
         "PUT /count HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
         "PUT /count HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"}) {
    raw_client c{port};
    c.send(request);
    c.half_close();
    auto a = c.read();
    CHECK(a.status == 400);
    CHECK(a.body == "incomplete_body");
    CHECK(c.wait_end() == raw_client::ended::regularly);
  }
}

TEST_CASE_METHOD(http_fixture, "a client that breaks off within a body ends its handler") {
  raw_client c{start()};
  c.send("PUT /count HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc");
  CHECK(watcher.wait([](auto& w) { return w.open == 1; }));
  c.leave_with_reset();
  CHECK(watcher.wait([](auto& w) { return w.open == 0; }));
}
