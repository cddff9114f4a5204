// Ten thousand requests that a random hand has damaged: the server survives, leaks no connection, and goes on serving.
#include "http_fixture.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <random>

using namespace troupe;
using namespace troupe::test;

namespace {

class damager {
public:
  explicit damager(unsigned seed) : dice_(seed) {}

  std::string next() {
    static const std::vector<std::string> whole{
      get("/hello", "User-Agent: a\r\nAccept: */*\r\n"),
      put("/count", "0123456789"),
      "PUT /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n3;x=y\r\nabc\r\n0\r\nT: "
      "v\r\n\r\n",
      "HEAD /b/k%20%2f?a=b&c HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
      put("/count", "abc", "Expect: 100-continue\r\n"),
      put("/deny", std::string(3000, 'd')),
      get("/chunked?n=10000"),
    };
    auto s = whole[below(whole.size())];
    for (auto i = 1 + below(6); i != 0; --i) damage(s);
    return s;
  }
  std::size_t below(std::size_t n) { return dice_() % n; }

private:
  void damage(std::string& s) {
    using namespace std::string_literals;
    static const std::vector<std::string> pieces{"\r\n", "\n", "\r", "\0"s, ":", " ", "\t", "%", "%00", "%zz",
      "\xff\xfe", "HTTP/1.1", "Content-Length: 99999999999999999999\r\n", "Transfer-Encoding: chunked\r\n",
      "Host: y\r\n", std::string(3000, 'A'), "0\r\n\r\n", "ffffffff\r\n", "-1", "Expect: 100-continue\r\n",
      "Connection: close\r\n", "\r\n\r\n", "//", "?", "#", "n=9", std::string(20'000, 'B')};
    auto at = below(s.size() + 1);
    switch (below(7)) {
    case 0:
      if (at < s.size()) s[at] = static_cast<char>(below(256));
      break;
    case 1: s.insert(at, pieces[below(pieces.size())]); break;
    case 2: s.erase(at, 1 + below(20)); break;
    case 3: s.replace(at, below(9), pieces[below(pieces.size())]); break;
    case 4: s.insert(at, s.substr(0, below(60))); break;
    case 5: s.resize(at); break;
    default:
      for (auto n = 1 + below(30); n != 0; --n) s.insert(at, 1, static_cast<char>(below(256)));
    }
  }
  std::mt19937 dice_;
};

} // namespace

TEST_CASE_METHOD(http_fixture, "ten thousand damaged requests do no harm") {
  auto c = config();
  c.threads = 2;
  c.limits.head_time = c.limits.idle_time = c.limits.stall_time = c.limits.linger_time = 300ms;
  auto port = start(std::move(c));
  constexpr unsigned seed = 20'240'601;
  INFO("seed " << seed);
  damager d{seed};
  for (int round = 0; round < 100; ++round) {
    std::vector<raw_client> clients;
    for (int i = 0; i < 100; ++i) {
      auto& client = clients.emplace_back(port);
      auto bytes = d.next();
      auto cut = d.below(3) == 0 ? d.below(bytes.size() + 1) : bytes.size();
      client.send(std::string_view{bytes}.substr(0, cut));
      client.send(std::string_view{bytes}.substr(cut));
      if (d.below(2) == 0) client.half_close();
      if (d.below(8) == 0) client.leave_with_reset();
    }
    if (round % 10 == 0)
      for (auto& client : clients)
        if (client.descriptor() >= 0) client.wait_end(); // each connection ends, by an answer or a deadline
  }
  raw_client good{port};
  auto a = good.exchange(get("/hello", "Connection: close\r\n"));
  CHECK(a.body == "hello");
  good.wait_end();
  CHECK(watcher.wait([](auto& w) { return w.open == 0; }));
  CHECK(watcher.failures.empty());
}
