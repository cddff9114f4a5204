// Each wait for a client has an end. The tests wait for the server to act, and the server's deadlines are short.
#include "http_fixture.hpp"

#include "api/http/connection_state.hpp"

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/address.hpp>
#include <catch2/catch.hpp>

#include <optional>
#include <vector>

using namespace troupe;
using namespace troupe::test;

namespace {

constexpr auto stalled_put = "PUT /count HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc";

} // namespace

TEST_CASE_METHOD(http_fixture, "a head that comes too slowly is answered 408") {
  auto c = config();
  c.limits.head_time = 250ms;
  auto port = start(std::move(c));
  raw_client half{port};
  half.send("GET /hello HTTP/1.1\r\nHo");
  auto a = half.read();
  CHECK(a.status == 408);
  CHECK(a.body == "request_timeout without a request");
  CHECK(half.wait_end() == raw_client::ended::regularly);
  raw_client drip{port}; // bytes do not prolong it
  bool alive = drip.send("GET /hello HTTP/1.1\r\nHost: x\r\n");
  for (int i = 0; alive && i < 1'000'000; ++i) {
    alive = drip.send("a: b\r\n");
    char byte = 0;
    if (::recv(drip.descriptor(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0) break; // it has answered
  }
  auto status = drip.read().status;
  CHECK((status == 408 || status == 431));
}

TEST_CASE_METHOD(http_fixture, "a new connection that stays silent is closed") {
  auto c = config();
  c.limits.head_time = 50ms;
  raw_client silent{start(std::move(c))};
  silent.wait_end();
  CHECK(watcher.wait([](auto& w) { return w.open == 0; }));
  CHECK(watcher.lines.empty());
}

TEST_CASE_METHOD(http_fixture, "a connection that stays idle is closed") {
  auto c = config();
  c.limits.idle_time = 50ms;
  raw_client client{start(std::move(c))};
  CHECK(client.exchange(get("/hello")).status == 200);
  CHECK(client.wait_end() == raw_client::ended::regularly);
}

TEST_CASE_METHOD(http_fixture, "a connection that gave its buffer back is served again") {
  auto c = config();
  c.limits.park_time = 10ms;
  c.limits.stall_time = 100ms;
  raw_client client{start(std::move(c))};
  CHECK(client.exchange(get("/hello")).status == 200);
  raw_client other{server->port()};
  other.exchange(stalled_put); // takes several sweeps
  CHECK(client.exchange(get("/hello")).status == 200);
  CHECK(client.exchange(put("/count", std::string(100'000, 'x'))).body == "100000");
}

TEST_CASE_METHOD(http_fixture, "a body that stops coming is answered request_timeout") {
  auto c = config();
  c.limits.stall_time = 50ms;
  raw_client client{start(std::move(c))};
  auto a = client.exchange(stalled_put);
  CHECK(a.status == 408);
  CHECK(a.body == "request_timeout");
  CHECK(client.wait_end() == raw_client::ended::regularly);
}

TEST_CASE_METHOD(http_fixture, "a body that drips below the minimum rate is given up") {
  auto c = config();
  c.limits.stall_time = 60ms;
  c.limits.stall_bytes_min = 1 << 20;
  raw_client client{start(std::move(c))};
  client.send("PUT /count HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n");
  int answered = 0;
  for (int i = 0; i < 100'000'000 && answered == 0; ++i) {
    client.send("a");
    char byte = 0;
    answered = ::recv(client.descriptor(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
  }
  CHECK(client.read().status == 408);
}

TEST_CASE_METHOD(http_fixture, "a slow handler does not cost its client a deadline") {
  auto c = config();
  c.limits.stall_time = 30ms;
  auto port = start(std::move(c));
  raw_client waits{port};
  waits.send(put("/wait", "unread"));
  REQUIRE(barrier.wait_for_arrivals(1));
  raw_client other{port};
  CHECK(other.exchange(stalled_put).status == 408); // so much time has passed
  barrier.open();
  CHECK(waits.read().body == "waited");
}

TEST_CASE_METHOD(http_fixture, "a client that does not read its response is cut") {
  auto c = config();
  c.limits.stall_time = 50ms;
  raw_client client{start(std::move(c)), 4096};
  client.send(get("/sized?n=100000000"));
  REQUIRE(watcher.wait([](auto& w) { return !w.lines.empty(); }));
  CHECK(watcher.lines.at(0).status == 499);
  CHECK(!client.read().complete);
}

TEST_CASE_METHOD(http_fixture, "waiting time is refilled by bytes that move, and only by enough of them") {
  http::worker w{0, clock, random};
  http::limits bounds{.stall_time = 10s, .stall_bytes_min = 100};
  http::asio::basic_socket_acceptor<http::asio::ip::tcp, http::executor> listener{
    w.context(), {http::asio::ip::make_address("127.0.0.1"), 0}};
  raw_client client{listener.local_endpoint().port()};
  http::connection_state c{listener.accept(), nullptr, w, bounds};
  auto arrive = [&](std::size_t n) {
    client.send(std::string(n, 'x'));
    char buffer[200];
    while (n != 0) n -= c.io.read_now(buffer, n);
  };
  auto t = w.now();
  c.wait_for_client(http::phase::body);
  CHECK(c.deadline == t + 10s);
  CHECK(!c.refill(t + 10s));
  arrive(99);
  CHECK(!c.refill(t + 10s));
  arrive(1);
  CHECK(c.refill(t + 10s));
  CHECK(c.deadline == t + 20s);
  CHECK(!c.refill(t + 20s));
  arrive(100);
  c.enter(http::phase::head, 5s); // a head has one end, whatever moves
  arrive(100);
  CHECK(!c.refill(t + 5s));
}

TEST_CASE_METHOD(http_fixture, "a read of many bytes is woken once, and what came until then counts as moved") {
  http::worker w{0, clock, random};
  http::limits bounds{.stall_time = 10s, .stall_bytes_min = 100};
  http::asio::basic_socket_acceptor<http::asio::ip::tcp, http::executor> listener{
    w.context(), {http::asio::ip::make_address("127.0.0.1"), 0}};
  raw_client client{listener.local_endpoint().port()};
  http::connection_state c{listener.accept(), nullptr, w, bounds};
  std::vector<char> buffer(100'000);
  std::optional<http::read_result> got;
  auto t = w.now();
  c.wait_for_client(http::phase::body);
  http::asio::co_spawn(w.context().get_executor(), c.io.read_some(buffer.data(), buffer.size(), buffer.size()),
    [&](std::exception_ptr, http::read_result r) { got = r; });
  w.context().poll(); // it waits now
  auto arrive = [&](std::size_t n, std::size_t there) {
    client.send(std::string(n, 'x'));
    while (c.io.unread() < there) w.context().poll();
  };
  arrive(99, 99);
  CHECK(!c.refill(t + 10s));
  arrive(1, 100);
  CHECK(c.refill(t + 10s));
  CHECK(!c.refill(t + 20s)); // counted once
  w.context().poll();
  CHECK(!got);
  client.send(std::string(buffer.size() - 100, 'x'));
  while (!got) w.context().run_one();
  CHECK(got->bytes == buffer.size());
  CHECK(c.refill(t + 20s));
  // The next wait is for any byte again.
  got.reset();
  w.context().restart(); // it had run out of work
  http::asio::co_spawn(w.context().get_executor(), c.io.read_later(buffer.data(), buffer.size()),
    [&](std::exception_ptr, http::read_result r) { got = r; });
  w.context().poll();
  client.send("y");
  while (!got) w.context().run_one();
  CHECK(got->bytes == 1);
}

TEST_CASE_METHOD(http_fixture, "a client that never stops sending after an error is cut in the end") {
  auto c = config();
  c.limits.linger_time = 50ms;
  raw_client client{start(std::move(c))};
  client.send("PUT /deny HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000000\r\n\r\n");
  std::string piece(65536, 'q');
  std::uint64_t sent = 0;
  while (client.send(piece) && sent < (std::uint64_t{20} << 30)) sent += piece.size();
  CHECK(sent < (std::uint64_t{20} << 30));
  CHECK(watcher.wait([](auto& w) { return w.open == 0; }));
}
