#include "net/tcp_channel.hpp"

#include "support/print_result.hpp"

#include <catch2/catch.hpp>
#include <spdlog/spdlog.h>

#include <arpa/inet.h>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <sys/socket.h>
#include <unistd.h>

using namespace troupe;
using namespace std::chrono_literals;

namespace {

struct quiet {
  quiet() { spdlog::set_level(spdlog::level::off); }
  ~quiet() { spdlog::set_level(before); }
  spdlog::level::level_enum before = spdlog::get_level();
};

// A process of the cluster. Method 1 echoes, 2 fails, 3 never answers until the test lets it, 4 counts posts.
struct process {
  explicit process(const std::string& node, const std::string& cluster = "c") : process(node, cluster, "127.0.0.1:0") {}
  process(const std::string& node, std::shared_ptr<troupe::net::fault_rules> faults)
      : process(node, "c", "127.0.0.1:0", std::move(faults)) {}
  process(const std::string& node, const std::string& cluster, const std::string& listen,
    std::shared_ptr<troupe::net::fault_rules> faults = nullptr) {
    tcp_channel_options o;
    o.cluster = cluster;
    o.node = node;
    o.listen = listen;
    o.clock = &system_clock_source();
    o.random = &system_entropy();
    o.faults = std::move(faults);
    auto opened = tcp_channel::open(o);
    REQUIRE(opened);
    net = std::move(*opened);
    me = {node, net->address()};
    net->start([this](const std::string& from, peer_message m, channel::on_answer answer) {
      std::lock_guard lock{mutex};
      last_from = from;
      if (m.method == 1) answer(std::move(m));
      if (m.method == 2) answer(fail(ec::no_space, "full"));
      if (m.method == 3) held.push_back(std::move(answer));
      if (m.method == 4) posts += m.head;
      changed.notify_all();
    });
  }
  ~process() {
    net->stop();
    held.clear();
  }
  result<peer_message> ask(
    const peer_address& to, peer_message m, std::chrono::milliseconds timeout = 5s, plane p = plane::control) {
    std::promise<result<peer_message>> done;
    net->call(to, p, std::move(m), timeout, [&](result<peer_message> r) { done.set_value(std::move(r)); });
    return done.get_future().get();
  }
  void wait_for_held(std::size_t n) {
    std::unique_lock lock{mutex};
    REQUIRE(changed.wait_for(lock, 10s, [&] { return held.size() >= n; }));
  }

  std::mutex mutex;
  std::condition_variable changed;
  std::string last_from, posts;
  std::deque<channel::on_answer> held;
  std::unique_ptr<tcp_channel> net;
  peer_address me;
};

chunk pattern(std::size_t n) {
  return chunk::make(n, [](std::byte* p, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) p[i] = static_cast<std::byte>(i * 31 >> 3);
  });
}

} // namespace

TEST_CASE("a request is answered with its head and its body, on either plane", "[net]") {
  quiet q;
  process a{"a"}, b{"b"};
  for (auto p : {plane::control, plane::bulk})
    for (std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{70'000}, std::size_t{3} << 20}) {
      auto answer = a.ask(b.me, {1, "head of " + std::to_string(n), pattern(n)}, 5s, p);
      REQUIRE(answer);
      CHECK(answer->head == "head of " + std::to_string(n));
      CHECK(answer->body == pattern(n));
    }
  CHECK(b.last_from == "a");
}

TEST_CASE("the peer's error is the caller's", "[net]") {
  quiet q;
  process a{"a"}, b{"b"};
  auto answer = a.ask(b.me, {2, "", {}});
  REQUIRE(!answer);
  CHECK(answer.error() == fail(ec::no_space, "full"));
}

TEST_CASE("a thousand requests at once are each answered with their own answer", "[net]") {
  quiet q;
  process a{"a"}, b{"b"};
  std::mutex m;
  std::condition_variable all;
  int right = 0, ended = 0;
  for (int i = 0; i < 1000; ++i)
    a.net->call(b.me, i % 2 == 0 ? plane::control : plane::bulk,
      {1, std::to_string(i), pattern(static_cast<std::size_t>(i))}, 10s, [&, i](result<peer_message> r) {
        std::lock_guard lock{m};
        right += r && r->head == std::to_string(i) && r->body.size() == static_cast<std::size_t>(i);
        ++ended;
        all.notify_all();
      });
  std::unique_lock lock{m};
  REQUIRE(all.wait_for(lock, 20s, [&] { return ended == 1000; }));
  CHECK(right == 1000);
}

TEST_CASE("a request without an answer ends when its time is over", "[net]") {
  quiet q;
  process a{"a"}, b{"b"};
  auto answer = a.ask(b.me, {3, "", {}}, 100ms);
  REQUIRE(!answer);
  CHECK(answer.error().code == ec::timeout);
  CHECK(a.ask(b.me, {1, "goes on", {}}));
}

TEST_CASE("posts arrive in their order and need no answer", "[net]") {
  quiet q;
  process a{"a"}, b{"b"};
  for (char c = 'a'; c <= 'z'; ++c) a.net->post(b.me, plane::control, {4, std::string(1, c), {}});
  std::unique_lock lock{b.mutex};
  CHECK(b.changed.wait_for(lock, 10s, [&] { return b.posts == "abcdefghijklmnopqrstuvwxyz"; }));
}

TEST_CASE("nobody at an address is told at once, as a request that was never sent", "[net]") {
  quiet q;
  process a{"a"};
  peer_address nobody{"b", "127.0.0.1:1"};
  for (int i = 0; i < 3; ++i) {
    auto answer = a.ask(nobody, {1, "", {}});
    REQUIRE(!answer);
    CHECK(answer.error().code == ec::unavailable);
    CHECK_THAT(answer.error().message, Catch::Contains("127.0.0.1:1"));
  }
}

TEST_CASE("a peer that ends answers nothing any more, and its successor does", "[net]") {
  quiet q;
  process a{"a"};
  auto b = std::make_unique<process>("b");
  auto where = b->me;
  REQUIRE(a.ask(where, {1, "", {}}));
  std::promise<result<peer_message>> done;
  a.net->call(where, plane::control, {3, "", {}}, 10s, [&](result<peer_message> r) { done.set_value(std::move(r)); });
  b->wait_for_held(1);
  b.reset();
  auto broke = done.get_future().get();
  REQUIRE(!broke);
  CHECK(broke.error().code == ec::timeout); // it may have been carried out
  b = std::make_unique<process>("b", "c", where.address);
  auto until = std::chrono::steady_clock::now() + 10s;
  result<peer_message> again = fail(ec::internal, "not asked");
  while (!again && std::chrono::steady_clock::now() < until) again = a.ask(where, {1, "again", {}});
  CHECK(again);
}

TEST_CASE("who belongs to another cluster, has another name or one's own is refused, and told why", "[net]") {
  quiet q;
  process a{"a"}, stranger{"s", "other"}, twin{"a"}, b{"b"};
  auto answer = a.ask(stranger.me, {1, "", {}});
  REQUIRE(!answer);
  CHECK_THAT(answer.error().message, Catch::Contains("cluster"));
  answer = a.ask({"", twin.me.address}, {1, "", {}});
  REQUIRE(!answer);
  CHECK_THAT(answer.error().message, Catch::Contains("must not have one name"));
  answer = a.ask({"x", b.me.address}, {1, "", {}});
  REQUIRE(!answer);
  CHECK_THAT(answer.error().message, Catch::Contains("node 'b' answers there"));
  CHECK(a.ask({"", b.me.address}, {1, "", {}})); // a seed: whoever is there
}

TEST_CASE("a second process of one name is refused while the first one is connected", "[net]") {
  quiet q;
  process b{"b"};
  auto a = std::make_unique<process>("a");
  REQUIRE(a->ask(b.me, {1, "", {}}));
  process twin{"a"};
  auto refused = twin.ask(b.me, {1, "", {}});
  REQUIRE(!refused);
  CHECK_THAT(refused.error().message, Catch::Contains("another process is node 'a'"));
  a.reset();
  auto until = std::chrono::steady_clock::now() + 10s;
  result<peer_message> taken = fail(ec::internal, "not asked");
  while (!taken && std::chrono::steady_clock::now() < until) taken = twin.ask(b.me, {1, "", {}});
  CHECK(taken); // the first one has ended
}

TEST_CASE("messages are dropped and delayed as the fault rules say", "[net]") {
  quiet q;
  auto rules = std::make_shared<net::fault_rules>();
  process a{"a", rules}, b{"b"};
  REQUIRE(a.ask(b.me, {1, "", {}}));
  rules->set_outgoing("b", {.drop = true});
  CHECK(a.ask(b.me, {1, "", {}}, 100ms).error().code == ec::timeout);
  rules->set_outgoing("b", {.drop = false, .delay = 50ms});
  auto began = std::chrono::steady_clock::now();
  CHECK(a.ask(b.me, {1, "", {}}));
  CHECK(std::chrono::steady_clock::now() - began >= 50ms);
  rules->clear();
  rules->set_incoming("*", {.drop = true});
  CHECK(b.ask(a.me, {1, "", {}}, 100ms).error().code == ec::timeout);
  CHECK(rules->list() == std::vector<std::string>{"drop from *"});
}

TEST_CASE("a peer that takes nothing costs a bounded queue", "[net]") {
  quiet q;
  process a{"a"};
  auto listener = ::socket(AF_INET, SOCK_STREAM, 0); // accepts by its backlog, and never reads
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::bind(listener, reinterpret_cast<sockaddr*>(&where), sizeof where) == 0);
  REQUIRE(::listen(listener, 1) == 0);
  socklen_t size = sizeof where;
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&where), &size);
  peer_address deaf{"b", "127.0.0.1:" + std::to_string(ntohs(where.sin_port))};
  std::mutex m;
  std::condition_variable all;
  int full = 0, ended = 0;
  auto mebibyte = pattern(std::size_t{1} << 20);
  for (int i = 0; i < 100; ++i)
    a.net->call(deaf, plane::bulk, {1, "", mebibyte}, 1s, [&](result<peer_message> r) {
      std::lock_guard lock{m};
      full += !r && r.error().code == ec::slow_down;
      ++ended;
      all.notify_all();
    });
  std::unique_lock lock{m};
  REQUIRE(all.wait_for(lock, 20s, [&] { return ended == 100; }));
  CHECK(full > 20); // 64 MiB wait, the rest is refused at once
  ::close(listener);
}

TEST_CASE("what does not speak the protocol is disconnected, and the others are served", "[net]") {
  quiet q;
  process a{"a"}, b{"b"};
  auto port = static_cast<std::uint16_t>(std::stoi(b.me.address.substr(b.me.address.rfind(':') + 1)));
  for (const auto& bytes : {std::string{"GET / HTTP/1.1\r\n\r\n"}, std::string{"\0garbage that is long enough", 28},
         std::string{"\1TP\1\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 21},
         std::string{"\1TP\1\0\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0\0\0\0\0", 21}}) {
    auto s = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(port);
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(s, reinterpret_cast<sockaddr*>(&where), sizeof where) == 0);
    REQUIRE(::send(s, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
    char c[64];
    while (::recv(s, c, sizeof c, 0) > 0) {}
    ::close(s);
  }
  CHECK(a.ask(b.me, {1, "", {}}));
}

TEST_CASE("without certificates only loopback addresses are listened on", "[net]") {
  quiet q;
  tcp_channel_options o;
  o.listen = "0.0.0.0:0";
  o.clock = &system_clock_source();
  o.random = &system_entropy();
  auto opened = tcp_channel::open(o);
  REQUIRE(!opened);
  CHECK(opened.error().code == ec::access_denied);
  CHECK_THAT(opened.error().message, Catch::Contains("troupe ca"));
}
