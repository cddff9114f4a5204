#include "http_fixture.hpp"
#include "support/certificates.hpp"

#include <catch2/catch.hpp>

#include <future>

using namespace troupe;
using namespace troupe::test;

namespace {

struct tls_fixture : http_fixture {
  certificates made;
  std::shared_ptr<net::server_certificate> certificate = made.load();

  http::server_config tls_config() {
    auto c = config();
    c.tls = certificate;
    return c;
  }
};

std::string body_of(const std::string& response) { return response.substr(response.find("\r\n\r\n") + 4); }

} // namespace

TEST_CASE_METHOD(tls_fixture, "requests and large bodies go over TLS both ways") {
  auto port = start(tls_config());
  unsigned lines = 0;
  for (auto version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    tls_client client{
      port, {.version_min = version, .version_max = version, .protocols = {}, .authority = made.authority_file()}};
    REQUIRE(client.connected);
    CHECK(client.server_name() == "server");
    client.send(get("/hello"));
    CHECK(client.read_until("hello").ends_with("\r\n\r\nhello"));
    std::string content(3'000'000, 'p');
    client.send(put("/count", content));
    CHECK(client.read_until("\r\n\r\n3000000").ends_with("3000000"));
    client.send(get("/sized?n=3000000", "Connection: close\r\n"));
    CHECK(body_of(client.read_to_end()).size() == 3'000'000);
    CHECK(client.said_goodbye());
    lines += 3;
    CHECK(watcher.wait([&](auto& w) { return w.lines.size() == lines; }));
  }
}

TEST_CASE_METHOD(tls_fixture, "what is sent comes back as it was, whatever the records and the reads") {
  tls_client client{start(tls_config())};
  std::string content(200'000, '\0');
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 31 + i / 251);
  client.send("PUT /echo?n=777 HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\nConnection: close\r\n\r\n");
  for (std::size_t at = 0, n = 1; at < content.size(); at += n, n = n * 3 % 20'011) // a record each, or several
    REQUIRE(client.send(std::string_view{content}.substr(at, n)));
  CHECK(body_of(client.read_to_end()) == content);
}

TEST_CASE_METHOD(tls_fixture, "requests that come in one record are answered in order") {
  tls_client client{start(tls_config())};
  client.send(get("/hello") + put("/echo", "first") + get("/path") + put("/echo", std::string(30'000, 'z')) +
    get("/header", "X-Test: last\r\nConnection: close\r\n"));
  auto all = client.read_to_end();
  auto first = all.find("\r\n\r\nhello"), second = all.find("\r\n\r\nfirst"), third = all.find("\r\n\r\n/path"),
       fourth = all.find("\r\n\r\nzzz"), fifth = all.find("\r\n\r\nlast");
  REQUIRE(fifth != all.npos);
  CHECK((first < second && second < third && third < fourth && fourth < fifth));
}

TEST_CASE_METHOD(tls_fixture, "versions before TLS 1.2 are refused, and so are clients that want another protocol") {
  auto port = start(tls_config());
  tls_client old{port, {.version_min = TLS1_VERSION, .version_max = TLS1_1_VERSION, .protocols = {}, .authority = {}}};
  CHECK_FALSE(old.connected);
  auto protocols = [](std::string p) { return tls_client_options{.protocols = std::move(p), .authority = {}}; };
  tls_client browser{port, protocols(std::string{"\x02h2\x08http/1.1"})};
  REQUIRE(browser.connected);
  CHECK(browser.protocol() == "http/1.1");
  browser.send(get("/hello"));
  CHECK(browser.read_until("hello").ends_with("hello"));
  tls_client other{port, protocols("\x02h2")};
  CHECK_FALSE(other.connected);
}

TEST_CASE_METHOD(tls_fixture, "of TLS 1.2 only ciphers with forward secrecy are spoken") {
  tls_client client{start(tls_config()), {.version_max = TLS1_2_VERSION, .protocols = {}, .authority = {}}};
  REQUIRE(client.connected);
  std::string cipher = SSL_get_cipher_name(client.session.get());
  CHECK(cipher.starts_with("ECDHE-"));
  CHECK((cipher.find("GCM") != cipher.npos || cipher.find("CHACHA20") != cipher.npos));
}

TEST_CASE_METHOD(tls_fixture, "a request in the clear is told to use TLS") {
  auto port = start(tls_config());
  for (const auto& request :
    {get("/hello"), put("/count", std::string(100'000, 'x')), std::string{"DELETE /hello HTTP/1.1\r\nHost: x\r\n\r\n"},
      std::string{"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"}, "\r\n" + get("/hello")}) {
    raw_client plain{port};
    auto a = plain.exchange(request);
    CHECK(a.status == 400);
    CHECK(a.header("connection") == "close");
    CHECK(a.body == "bad_request");
    CHECK(plain.wait_end() == raw_client::ended::regularly);
  }
  CHECK(watcher.wait([](auto& w) { return w.lines.size() == 5 && w.open == 0; }));
  CHECK(watcher.lines.front().status == 400);
}

TEST_CASE_METHOD(tls_fixture, "what a client in the clear is told, says it in words") {
  auto c = tls_config();
  c.render_error = {};
  raw_client plain{start(std::move(c))};
  CHECK(plain.exchange(get("/hello")).body == "Client sent an HTTP request to an HTTPS server.\n");
}

TEST_CASE_METHOD(http_fixture, "a TLS client on a plain port finds the connection closed, without a word") {
  auto port = start();
  raw_client client{port};
  client.send(std::string{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11} + std::string(506, 'h'));
  CHECK(client.read().status == 0);
  CHECK(client.wait_end() == raw_client::ended::regularly);
  CHECK_FALSE(tls_client{port}.connected);
  CHECK(watcher.wait([](auto& w) { return w.open == 0; }));
  CHECK(watcher.lines.empty());
}

TEST_CASE_METHOD(tls_fixture, "a client that does not shake hands in time is closed, and harms nobody") {
  auto c = tls_config();
  c.limits.head_time = 250ms;
  auto port = start(std::move(c));
  raw_client silent{port}, half{port}, broken{port};
  half.send(std::string{"\x16\x03\x01\x02\x00\x01\x00", 7}); // a hello of which the rest never comes
  broken.send(std::string(600, '\x16'));
  REQUIRE(watcher.wait([](auto& w) { return w.open >= 2; })); // they count as connections meanwhile
  silent.wait_end();
  half.wait_end();
  broken.wait_end();
  CHECK(watcher.wait([](auto& w) { return w.open == 0; }));
  CHECK(watcher.lines.empty());
  tls_client good{port};
  good.send(get("/hello"));
  CHECK(good.read_until("hello").ends_with("hello"));
}

TEST_CASE_METHOD(tls_fixture, "bytes that drip do not prolong a handshake") {
  auto c = tls_config();
  c.limits.head_time = 250ms;
  raw_client drip{start(std::move(c))};
  bool alive = drip.send(std::string{"\x16\x03\x01\x40\x00", 5}); // 16 KiB are announced
  for (int i = 0; alive && i < 16'000; ++i) {
    alive = drip.send("h");
    char byte = 0;
    if (::recv(drip.descriptor(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0) break; // it was closed
    watcher.wait_a_little();
  }
  drip.wait_end();
  CHECK(watcher.wait([](auto& w) { return w.open == 0; }));
}

TEST_CASE_METHOD(tls_fixture, "handshakes count against the limit of connections") {
  auto c = tls_config();
  c.connections_max = 2;
  auto port = start(std::move(c));
  raw_client silent{port}, silent_too{port};
  REQUIRE(watcher.wait([](auto& w) { return w.open == 2; }));
  tls_client refused{port};
  refused.send(get("/hello"));
  CHECK(refused.read_to_end().starts_with("HTTP/1.1 503 "));
}

TEST_CASE_METHOD(tls_fixture, "a TLS client that vanishes ends its handler") {
  auto port = start(tls_config());
  {
    tls_client client{port};
    client.send(get("/sized?n=1000000000"));
    client.read_until("\r\n\r\n");
    client.socket.leave_with_reset();
  }
  CHECK(watcher.wait([](auto& w) { return w.open == 0; }));
  CHECK(watcher.lines.at(0).status == 499);
}

TEST_CASE_METHOD(
  tls_fixture, "a client that says goodbye within a body is answered, one whose TCP ends there is not taken for done") {
  auto port = start(tls_config());
  tls_client polite{port}, rude{port};
  for (auto* c : {&polite, &rude}) c->send("PUT /count HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf");
  SSL_shutdown(polite.session.get());
  CHECK(polite.read_to_end().find("incomplete_body") != std::string::npos);
  rude.socket.half_close();
  CHECK(rude.read_to_end().find("incomplete_body") != std::string::npos);
}

TEST_CASE_METHOD(tls_fixture, "a response that was cut does not end with a goodbye") {
  auto port = start(tls_config());
  for (auto* path : {"/midway", "/midway?chunked", "/short"}) {
    tls_client client{port};
    client.send(get(path));
    client.read_to_end();
    CHECK_FALSE(client.said_goodbye());
  }
}

TEST_CASE_METHOD(tls_fixture, "idle connections end with a goodbye, at their time and when the server stops") {
  auto c = tls_config();
  c.limits.idle_time = 100ms;
  tls_client idle{start(std::move(c))};
  idle.send(get("/hello"));
  idle.read_until("hello");
  idle.read_to_end();
  CHECK(idle.said_goodbye());

  tls_client open{start(tls_config())};
  open.send(get("/hello"));
  open.read_until("hello");
  CHECK(server->stop(10s) == 0);
  open.read_to_end();
  CHECK(open.said_goodbye());
}

TEST_CASE_METHOD(tls_fixture, "stop lets a request over TLS finish") {
  auto port = start(tls_config());
  tls_client waits{port}, idle{port};
  idle.send(get("/hello"));
  idle.read_until("hello");
  waits.send(get("/wait"));
  REQUIRE(barrier.wait_for_arrivals(1));
  auto stopped = std::async(std::launch::async, [&] { return server->stop(10s); });
  idle.read_to_end(); // so it drains
  barrier.open();
  auto a = waits.read_to_end();
  CHECK(a.ends_with("\r\n\r\nwaited"));
  CHECK(waits.said_goodbye());
  CHECK(stopped.get() == 0);
}

TEST_CASE_METHOD(tls_fixture, "new connections get the certificate that replaced the old one, open ones go on") {
  auto port = start(tls_config());
  tls_client before{port};
  CHECK(before.server_name() == "server");
  made.write("server", "renewed");
  REQUIRE(certificate->refresh().value());
  tls_client after{port};
  CHECK(after.server_name() == "renewed");
  for (auto* c : {&before, &after}) {
    c->send(get("/hello"));
    CHECK(c->read_until("hello").ends_with("hello"));
  }
}

TEST_CASE_METHOD(tls_fixture, "a TLS connection that gave its buffer back is served again") {
  auto c = tls_config();
  c.limits.park_time = 10ms;
  c.limits.stall_time = 100ms;
  tls_client client{start(std::move(c))};
  client.send(get("/hello"));
  CHECK(client.read_until("hello").ends_with("hello"));
  tls_client other{server->port()};
  other.send("PUT /count HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc");
  CHECK(other.read_until("request_timeout").ends_with("request_timeout")); // which takes several sweeps
  client.send(put("/count", std::string(100'000, 'x')));
  CHECK(client.read_until("\r\n\r\n100000").ends_with("100000"));
}
