#include "http_fixture.hpp"

#include <catch2/catch.hpp>

#include <future>

using namespace troupe;
using namespace troupe::test;

namespace {

bool refuses_connections(std::uint16_t port) {
  try {
    raw_client c{port};
    return c.exchange(get("/hello")).status == 0;
  } catch (const std::runtime_error&) { return true; }
}

} // namespace

TEST_CASE_METHOD(http_fixture, "stop closes idle and silent connections and refuses new ones") {
  auto port = start();
  raw_client idle{port}, silent{port};
  idle.exchange(get("/hello"));
  REQUIRE(watcher.wait([](auto& w) { return w.open == 2; }));
  CHECK(server->stop(10s) == 0);
  CHECK(idle.wait_end() == raw_client::ended::regularly);
  CHECK(silent.wait_end() == raw_client::ended::regularly);
  CHECK(refuses_connections(port));
  CHECK(server->stop(10s) == 0); // once more does nothing
}

TEST_CASE_METHOD(http_fixture, "stop lets a request in flight finish, and says that the connection closes") {
  auto c = config();
  c.threads = 2;
  auto port = start(std::move(c));
  raw_client waits{port}, sends{port}, idle{port}, idle_too{port}; // two on each io thread
  idle.exchange(get("/hello"));
  idle_too.exchange(get("/hello"));
  waits.send(get("/wait"));
  sends.send("PUT /count HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf");
  REQUIRE(barrier.wait_for_arrivals(1));
  auto stopped = std::async(std::launch::async, [&] { return server->stop(10s); });
  idle.wait_end(); // so both threads drain
  idle_too.wait_end();
  CHECK(refuses_connections(port));
  barrier.open();
  sends.send(std::string(96, 'x'));
  auto a = waits.read(), b = sends.read();
  CHECK(a.body == "waited");
  CHECK(a.header("connection") == "close");
  CHECK(b.body == "100");
  CHECK(b.header("connection") == "close");
  CHECK(stopped.get() == 0);
}

TEST_CASE_METHOD(http_fixture, "stop cuts what has not finished when the grace ends") {
  auto c = config();
  unsigned cuts = 0;
  c.cut = [&](http::worker&) {
    ++cuts;
    barrier.open();
  };
  auto port = start(std::move(c));
  raw_client waits{port}, sends{port};
  waits.send(get("/wait"));
  sends.send("PUT /count HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf");
  REQUIRE(barrier.wait_for_arrivals(1));
  REQUIRE(watcher.wait([](auto& w) { return w.open == 2; }));
  CHECK(server->stop(20ms) == 2);
  CHECK(cuts == 1);
  CHECK(server->connections() == 0);
  CHECK(!waits.read().complete);
  CHECK(!sends.read().complete);
}

TEST_CASE_METHOD(http_fixture, "a handler that never ends does not keep the server from being destroyed") {
  auto c = config();
  c.limits.cut_time = 20ms;
  raw_client waits{start(std::move(c))};
  waits.send(get("/wait"));
  REQUIRE(barrier.wait_for_arrivals(1));
  CHECK(server->stop(0ms) == 1);
  CHECK(server->connections() == 1); // suspended for good
  server.reset();
  CHECK(watcher.open == 0); // its coroutine was unwound
}

TEST_CASE_METHOD(http_fixture, "a server that never started stops at once") {
  http::server s{config()};
  CHECK(s.stop(10s) == 0);
}
