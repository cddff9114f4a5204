#include "net/tcp_channel.hpp"

#include "codec/text.hpp"
#include "net/address.hpp"
#include "net/inbound.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <array>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

namespace troupe {
namespace {

using namespace net;

constexpr auto outcome = asio::as_tuple(asio::use_awaitable_t<executor>{});
constexpr std::uint32_t protocol = 1;
constexpr std::size_t inbound_max = 1024; // connections of a plane
constexpr std::size_t without_plane_max = 256;
constexpr std::chrono::milliseconds expiry_interval{20};
constexpr unsigned expiries_a_show = 10;

using timer = asio::basic_waitable_timer<steady, asio::wait_traits<steady>, executor>;
using tcp_acceptor = asio::basic_socket_acceptor<asio::ip::tcp, executor>;

} // namespace

struct tcp_channel::impl {
  // What one plane needs: everything here is touched on its io thread only.
  struct lane {
    lane(impl& i, plane p, std::function<pb::hello()> hello, const tls_files& tls)
        : owner(i),
          which(p),
          env{.io = io,
            .tls = tls,
            .hello = std::move(hello),
            .known = i.known,
            .refusals = std::make_shared<log_limit>(),
            .faults = i.options.faults,
            .generation = i.options.generation} {}
    impl& owner;
    plane which;
    asio::io_context io{1};
    asio::executor_work_guard<executor> work{io.get_executor()};
    link_environment env;
    std::map<peer_address, std::shared_ptr<peer_link>> links;
    std::vector<std::shared_ptr<inbound>> accepted;
    timer expiry{io};
    std::thread thread;
    bool closed = false;
    std::mutex shown_mutex;
    std::vector<link_status> shown; // of the links, for other threads

    peer_link& link_to(const peer_address& to) {
      auto& link = links[to];
      if (!link) link = std::make_shared<peer_link>(env, to, which);
      return *link;
    }
    task<> expire();
    void show();
    void adopt(const asio::ip::tcp& protocol, int descriptor);
    void close();
    void drop_connections(); // they are made anew, with what both ends are now
  };

  explicit impl(tcp_channel_options o);
  lane& of(plane p) { return *lanes[static_cast<std::size_t>(p)]; }
  result<> listen();
  task<> accept();
  task<> find_plane(std::shared_ptr<tcp_socket>);

  tcp_channel_options options;
  std::shared_ptr<known_peers> known = std::make_shared<known_peers>();
  std::string instance;
  inbound_limits limits;
  std::array<std::unique_ptr<lane>, 2> lanes; // by plane
  tcp_acceptor acceptor;                      // on the control plane's thread
  std::size_t without_plane = 0;              // connections that have not said which plane they are for
  peer_handler handler;
  std::string address;
  bool stopped = false;
};

tcp_channel::impl::impl(tcp_channel_options o)
    : options(std::move(o)),
      instance([this] {
        std::byte raw[16];
        options.random->fill(raw);
        return hex_encode(bytes_view{raw});
      }()),
      lanes{[this] {
        auto hello = [this] {
          pb::hello h;
          h.set_protocol_min(protocol);
          h.set_protocol_max(protocol);
          h.set_cluster(options.cluster);
          h.set_node(options.node);
          h.set_instance(instance);
          h.set_now_ms(options.clock->now());
          return h;
        };
        return std::array{std::make_unique<lane>(*this, plane::control, hello, options.tls),
          std::make_unique<lane>(*this, plane::bulk, hello, options.tls)};
      }()},
      acceptor(lanes[0]->io) {}

result<> tcp_channel::impl::listen() {
  if (options.tls.given())
    if (auto context = make_tls_context(options.tls); !context) return context.error();
  auto where = split_address(options.listen);
  auto failed = [&](const boost::system::error_code& e) {
    return fail(ec::io_error, "cannot listen for other nodes on " + options.listen + ": " + e.message());
  };
  boost::system::error_code e;
  asio::ip::basic_resolver<asio::ip::tcp, executor> resolver{lanes[0]->io};
  auto found = resolver.resolve(where.host, where.port, asio::ip::resolver_base::passive, e);
  if (e || found.empty()) return failed(e);
  auto endpoint = found.begin()->endpoint();
  if (!options.tls.given() && !endpoint.address().is_loopback())
    return fail(ec::access_denied,
      "cannot listen for other nodes on " + options.listen +
        " without certificates: anybody who reaches it could read and change everything. Make them with `troupe ca` "
        "and "
        "name them under tls, or use a loopback address");
  acceptor.open(endpoint.protocol(), e);
  if (e) return failed(e);
  acceptor.set_option(asio::socket_base::reuse_address{true}, e);
  acceptor.bind(endpoint, e);
  if (e) return failed(e);
  acceptor.listen(asio::socket_base::max_listen_connections, e);
  if (e) return failed(e);
  address = where.host + ":" + std::to_string(acceptor.local_endpoint(e).port());
  if (!options.tls.given())
    spdlog::warn("nodes talk in plain text: no certificates are configured, so only loopback addresses are used");
  return {};
}

task<> tcp_channel::impl::accept() {
  auto& io = of(plane::control).io;
  for (;;) {
    auto [e, socket] = co_await acceptor.async_accept(outcome);
    if (e == asio::error::operation_aborted || !acceptor.is_open()) co_return;
    if (e || without_plane >= without_plane_max) { // no descriptors left, most likely
      spdlog::warn("the actor port does not take a connection: {}", e ? e.message() : "too many say nothing");
      timer pause{io, std::chrono::milliseconds{100}};
      co_await pause.async_wait(outcome);
      continue;
    }
    auto shared = std::make_shared<tcp_socket>(std::move(socket));
    asio::co_spawn(
      io, [this, shared] { return find_plane(shared); }, asio::detached);
  }
}

// The first byte says which plane's thread is to serve the connection.
task<> tcp_channel::impl::find_plane(std::shared_ptr<tcp_socket> socket) {
  ++without_plane;
  timer deadline{of(plane::control).io, limits.hello_timeout};
  deadline.async_wait([socket](boost::system::error_code e) {
    boost::system::error_code ignored;
    if (!e) socket->close(ignored);
  });
  std::uint8_t which = 0;
  auto [e, n] = co_await asio::async_read(*socket, asio::buffer(&which, 1), outcome);
  deadline.cancel();
  --without_plane;
  if (e || which > static_cast<std::uint8_t>(plane::bulk)) co_return;
  boost::system::error_code ignored;
  auto protocol = socket->local_endpoint(ignored).protocol();
  auto descriptor = socket->release(ignored);
  if (ignored) co_return;
  auto& l = of(static_cast<plane>(which));
  asio::post(l.io, [&l, protocol, descriptor] { l.adopt(protocol, descriptor); });
}

void tcp_channel::impl::lane::adopt(const asio::ip::tcp& protocol, int descriptor) {
  boost::system::error_code e;
  tcp_socket socket{io};
  socket.assign(protocol, descriptor, e);
  if (e) {
    ::close(descriptor);
    return;
  }
  std::erase_if(accepted, [](auto& i) { return i->closed(); });
  if (closed || accepted.size() >= inbound_max) return;
  socket.set_option(asio::ip::tcp::no_delay{true}, e);
  give_up_dead_peers(descriptor);
  std::shared_ptr<frame_stream> stream;
  if (owner.options.tls.given()) {
    auto context = make_tls_context(owner.options.tls);
    if (!context) return spdlog::error("the actor port takes no connections: {}", context.error().message);
    stream = make_tls_stream(std::move(socket), *context, side::server);
  } else {
    stream = make_plain_stream(std::move(socket));
  }
  accepted.push_back(std::make_shared<inbound>(env, owner.limits, owner.handler, std::move(stream)));
  accepted.back()->start();
}

void tcp_channel::impl::lane::close() {
  closed = true;
  expiry.cancel();
  for (auto& [to, link] : links) link->close();
  for (auto& c : accepted) c->close();
  work.reset();
}

void tcp_channel::impl::lane::drop_connections() {
  if (closed) return;
  for (auto& [to, link] : std::exchange(links, {})) link->close();
  for (auto& c : std::exchange(accepted, {})) c->close();
}

void tcp_channel::impl::lane::show() {
  std::vector<link_status> now;
  for (auto& [to, link] : links) now.push_back(link->status());
  std::lock_guard lock{shown_mutex};
  shown = std::move(now);
}

task<> tcp_channel::impl::lane::expire() {
  for (unsigned round = 0; !closed; ++round) {
    if (round % expiries_a_show == 0) show();
    expiry.expires_after(expiry_interval);
    auto [e] = co_await expiry.async_wait(outcome);
    if (e) co_return;
    auto now = steady::now();
    for (auto l = links.begin(); l != links.end();) {
      l->second->expire(now);
      if (l->second->idle(now)) {
        l->second->close();
        l = links.erase(l);
      } else {
        ++l;
      }
    }
  }
}

tcp_channel::tcp_channel(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
tcp_channel::~tcp_channel() { stop(); }

result<std::unique_ptr<tcp_channel>> tcp_channel::open(tcp_channel_options options) {
  if (!options.generation) {
    options.generation = std::make_shared<generation_keeper>();
    options.generation->on_newer([](const group_generation&) { return result<>{}; });
  }
  auto i = std::make_unique<impl>(std::move(options));
  i->options.generation->on_change([raw = i.get()] {
    for (auto& l : raw->lanes) asio::post(l->io, [&lane = *l] { lane.drop_connections(); });
  });
  if (auto ok = i->listen(); !ok) return ok.error();
  return std::unique_ptr<tcp_channel>{new tcp_channel{std::move(i)}};
}

void tcp_channel::start(peer_handler handler) {
  auto& i = *impl_;
  i.handler = std::move(handler);
  for (auto& l : i.lanes) asio::co_spawn(l->io, l->expire(), asio::detached);
  asio::co_spawn(i.of(plane::control).io, i.accept(), asio::detached);
  for (auto& l : i.lanes) l->thread = std::thread{[&io = l->io] { io.run(); }};
}

void tcp_channel::stop() {
  auto& i = *impl_;
  if (std::exchange(i.stopped, true)) return;
  asio::post(i.of(plane::control).io, [&i] {
    boost::system::error_code ignored;
    i.acceptor.close(ignored);
  });
  i.options.generation->on_change(nullptr);
  for (auto& l : i.lanes) asio::post(l->io, [&lane = *l] { lane.close(); });
  for (auto& l : i.lanes)
    if (l->thread.joinable()) l->thread.join();
}

std::string tcp_channel::address() const { return impl_->address; }

void tcp_channel::call(
  const peer_address& to, plane p, peer_message m, std::chrono::milliseconds timeout, on_answer answered) {
  auto& lane = impl_->of(p);
  asio::post(lane.io, [&lane, to, timeout, m = std::move(m), answered = std::move(answered)]() mutable {
    if (lane.closed) return answered(fail(ec::unavailable, "this process is shutting down"));
    lane.link_to(to).call(std::move(m), timeout, std::move(answered));
  });
}

std::vector<link_status> tcp_channel::links() const {
  std::vector<link_status> all;
  for (auto& lane : impl_->lanes) {
    std::lock_guard lock{lane->shown_mutex};
    all.insert(all.end(), lane->shown.begin(), lane->shown.end());
  }
  return all;
}

void tcp_channel::post(const peer_address& to, plane p, peer_message m) {
  auto& lane = impl_->of(p);
  asio::post(lane.io, [&lane, to, m = std::move(m)]() mutable {
    if (!lane.closed) lane.link_to(to).post(std::move(m));
  });
}

} // namespace troupe
