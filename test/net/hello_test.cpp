// What the two ends of a connection check of each other's first frame: protocol versions, and generations of the metadata
// group.
#include "codec/frame.hpp"
#include "net/generation.hpp"
#include "net/peer_link.hpp"
#include "net/tcp_channel.hpp"
#include "support/print_result.hpp"

#include <catch2/catch.hpp>
#include <spdlog/spdlog.h>

#include <arpa/inet.h>
#include <future>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

using namespace troupe;
using namespace std::chrono_literals;

namespace {

struct quiet {
  quiet() { spdlog::set_level(spdlog::level::off); }
  ~quiet() { spdlog::set_level(before); }
  spdlog::level::level_enum before = spdlog::get_level();
};

pb::hello hello_of(const std::string& node, std::uint32_t oldest, std::uint32_t newest) {
  pb::hello h;
  h.set_protocol_min(oldest);
  h.set_protocol_max(newest);
  h.set_cluster("c");
  h.set_node(node);
  h.set_instance("instance of " + node);
  h.set_now_ms(system_clock_source().now());
  return h;
}

std::string frame_of(frame_kind kind, const std::string& head) {
  std::string bytes;
  append_header(bytes, {.kind = kind, .head_bytes = static_cast<std::uint32_t>(head.size())});
  return bytes + head;
}

bool read_exactly(int s, std::byte* to, std::size_t n) {
  while (n > 0) {
    auto got = ::recv(s, to, n, 0);
    if (got <= 0) return false;
    to += got;
    n -= static_cast<std::size_t>(got);
  }
  return true;
}

// The first frame that comes, and whether the connection is open after it.
struct answered {
  frame_kind kind = frame_kind::hello;
  std::string head;
  bool open = false;
};

answered first_frame(int s, bool look_further) {
  std::byte raw[frame_header::bytes];
  REQUIRE(read_exactly(s, raw, sizeof raw));
  auto header = parse_header(bytes_view{raw});
  REQUIRE(header);
  answered a{.kind = header->kind, .head = std::string(header->head_bytes, 0)};
  REQUIRE(read_exactly(s, reinterpret_cast<std::byte*>(a.head.data()), a.head.size()));
  a.open = look_further && ::recv(s, raw, 1, 0) > 0;
  return a;
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(port);
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return where;
}

struct process {
  explicit process(const std::string& node, std::shared_ptr<generation_keeper> generation = nullptr) {
    tcp_channel_options o;
    o.cluster = "c";
    o.node = node;
    o.listen = "127.0.0.1:0";
    o.generation = std::move(generation);
    o.clock = &system_clock_source();
    o.random = &system_entropy();
    auto opened = tcp_channel::open(std::move(o));
    REQUIRE(opened);
    net = std::move(*opened);
    me = {node, net->address()};
    net->start([](const std::string&, peer_message m, channel::on_answer answer) {
      if (answer) answer(std::move(m));
    });
  }
  ~process() { net->stop(); }
  result<peer_message> ask(const peer_address& to) {
    std::promise<result<peer_message>> done;
    net->call(to, plane::control, {1, "", {}}, 5s, [&](result<peer_message> r) { done.set_value(std::move(r)); });
    return done.get_future().get();
  }
  std::unique_ptr<tcp_channel> net;
  peer_address me;
};

} // namespace

TEST_CASE("versions that have one in common speak, others are told which of the two is older", "[net]") {
  struct {
    std::uint32_t oldest, newest;
    const char* refusal;
  } cases[] = {
    {1, 3, ""},
    {2, 2, ""},
    {3, 5, ""},
    {1, 1, "node 'b' speaks protocol 1 to 1, this one 2 to 3: upgrade the older of the two"},
    {4, 9, "node 'b' speaks protocol 4 to 9, this one 2 to 3: upgrade the older of the two"},
    {0, 0, "node 'b' speaks protocol 0 to 0, this one 2 to 3: upgrade the older of the two"},
  };
  for (auto& c : cases) {
    auto checked = net::check_hello(hello_of("a", 2, 3), hello_of("b", c.oldest, c.newest), "");
    CHECK((checked ? "" : checked.error().message) == c.refusal);
    if (!checked) CHECK(checked.error().code == ec::incompatible);
  }
}

TEST_CASE("a peer of another protocol version that connects is told so, and cut off", "[net]") {
  quiet q;
  process b{"b"};
  auto port = static_cast<std::uint16_t>(std::stoi(b.me.address.substr(b.me.address.rfind(':') + 1)));
  for (std::uint32_t version : {2u, 7u}) {
    auto s = ::socket(AF_INET, SOCK_STREAM, 0);
    auto where = loopback(port);
    REQUIRE(::connect(s, reinterpret_cast<sockaddr*>(&where), sizeof where) == 0);
    auto bytes = std::string(1, 0) + frame_of(frame_kind::hello, hello_of("a", version, version).SerializeAsString());
    REQUIRE(::send(s, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
    auto a = first_frame(s, true);
    CHECK(a.kind == frame_kind::failure);
    pb::failure why;
    REQUIRE(why.ParseFromString(a.head));
    CHECK(static_cast<ec>(why.code()) == ec::incompatible);
    auto v = std::to_string(version);
    CHECK(why.message() ==
      "node 'a' speaks protocol " + v + " to " + v + ", this one 1 to 1: upgrade the older of the two");
    CHECK(!a.open);
    ::close(s);
  }
}

TEST_CASE("whoever connects to a peer of another protocol version says so in his error", "[net]") {
  quiet q;
  auto listener = ::socket(AF_INET, SOCK_STREAM, 0);
  auto where = loopback(0);
  REQUIRE(::bind(listener, reinterpret_cast<sockaddr*>(&where), sizeof where) == 0);
  REQUIRE(::listen(listener, 4) == 0);
  socklen_t size = sizeof where;
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&where), &size);
  std::thread newer{[&] { // answers a hello by its own, as a version that does not refuse would
    auto s = ::accept(listener, nullptr, nullptr);
    std::byte plane;
    if (!read_exactly(s, &plane, 1)) return;
    first_frame(s, false);
    auto bytes = frame_of(frame_kind::hello, hello_of("b", 2, 2).SerializeAsString());
    ::send(s, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    while (::recv(s, &plane, 1, 0) > 0) {}
    ::close(s);
  }};
  std::string message;
  {
    process a{"a"};
    auto answer = a.ask({"b", "127.0.0.1:" + std::to_string(ntohs(where.sin_port))});
    REQUIRE(!answer);
    CHECK(answer.error().code == ec::incompatible);
    message = answer.error().message;
  }
  newer.join();
  ::close(listener);
  CHECK_THAT(message, Catch::Contains("can not be reached"));
  CHECK_THAT(
    message, Catch::Contains("node 'b' speaks protocol 2 to 2, this one 1 to 1: upgrade the older of the two"));
}

TEST_CASE("a newer generation of the metadata group is taken over and spreads, an older one is refused", "[net]") {
  quiet q;
  group_generation first{1, "first"}, second{1, "second"};
  std::vector<group_generation> taken;
  auto keeper_of = [&](group_generation g) {
    auto k = std::make_shared<generation_keeper>(std::move(g));
    k->on_newer([&taken](const group_generation& newer) -> result<> {
      taken.push_back(newer);
      return {};
    });
    return k;
  };
  process a{"a", keeper_of({})}, b{"b", keeper_of({})};
  REQUIRE(a.ask(b.me));
  {
    process c{"c", keeper_of(first)};
    c.ask(b.me); // b takes it over and begins anew; this very call may be cut off by that
    REQUIRE(taken == std::vector{first});
    for (int i = 0; i < 100 && !c.ask(b.me); ++i) std::this_thread::yield();
    CHECK(c.ask(b.me));
    // What was connected before is asked again who it is: so it spreads.
    for (int i = 0; i < 1000 && taken.size() < 2; ++i) a.ask(b.me);
    CHECK(taken == std::vector{first, first});
  }
  auto stubborn = std::make_shared<generation_keeper>(); // a member of the old group
  stubborn->on_newer([](const group_generation&) { return result<>{fail(ec::conflict, "may not")}; });
  process old{"old", stubborn}, other{"other", keeper_of(second)};
  auto refused = old.ask(b.me);
  REQUIRE(!refused);
  CHECK_THAT(refused.error().message, Catch::Contains("may not")); // b's hello says what there is now
  auto news = b.ask(old.me);
  REQUIRE(!news);
  CHECK_THAT(news.error().message, Catch::Contains("may not"));
  CHECK(stubborn->now().number == 0);
  auto twice = other.ask(b.me);
  REQUIRE(!twice);
  CHECK_THAT(twice.error().message, Catch::Contains("recovered twice"));
}
