#include "api/http/server.hpp"

#include "api/http/connection.hpp"
#include "api/http/connection_count.hpp"
#include "api/http/tokens.hpp"

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>

#include <atomic>
#include <csignal>
#include <future>
#include <optional>
#include <thread>
#include <vector>

namespace troupe::http {

namespace {

using acceptor = asio::basic_socket_acceptor<asio::ip::tcp, executor>;
using steady_timer = asio::basic_waitable_timer<steady, asio::wait_traits<steady>, executor>;

constexpr int backlog = 4096;
// Above connections_max this many more are accepted to be told 503; beyond, they are closed unanswered.
constexpr std::size_t refusals_max = 64;
// Between two tries to accept after the kernel said no (EMFILE and friends).
constexpr std::chrono::milliseconds accept_pause{50};

// Looks at every connection of one thread: parks idle ones, ends those past their deadline.
void look_at_deadlines(worker& w, const limits& bounds) {
  w.tick();
  auto now = w.now();
  for (auto* c = w.first_connection(); c != nullptr; c = c->next) {
    if (c->at == phase::working) continue;
    if (c->at == phase::idle && !c->parked && c->buffer != nullptr && now >= c->since + bounds.park_time) {
      c->parked = true;
      c->io.cancel();
      continue;
    }
    if (now < c->deadline || c->refill(now)) continue;
    c->timed_out = true;
    if (c->at == phase::idle) c->io.say_goodbye();
    // A slow head or body can be answered; a slow reader, and silence, cannot.
    if (c->at == phase::head || c->at == phase::body)
      c->io.cancel();
    else
      c->io.abort();
  }
}

} // namespace

struct server::impl {
  struct thread_of_io {
    thread_of_io(unsigned i, server_config& c) : home(i, c.clock, c.random), sweep(home.context()) {}
    worker home;
    steady_timer sweep;
    std::optional<asio::executor_work_guard<executor>> work;
    std::thread thread;
  };

  explicit impl(server_config c) : config(std::move(c)) {
    if (config.threads == 0) config.threads = 1;
    for (unsigned i = 0; i < config.threads; ++i) threads.push_back(std::make_unique<thread_of_io>(i, config));
  }

  server_config config;
  std::uint16_t port = 0;
  connection_count count; // outlives the threads' io_contexts, whose coroutines hold tickets
  std::vector<std::unique_ptr<thread_of_io>> threads;
  std::optional<acceptor> listener;
  bool running = false;

  result<> listen();
  task<> accept();
  task<> sweep(thread_of_io& t);
  worker& least_loaded();
  // Runs f on the thread of t, and waits until it has run.
  template <class F>
  static void run_on(thread_of_io& t, F f);
};

result<> server::impl::listen() {
  auto where = config.host + ":" + std::to_string(config.port);
  error_code e;
  auto address = asio::ip::make_address(config.host, e);
  if (e) return fail(ec::bad_argument, "cannot listen on " + where + ": not a numeric address");
  asio::ip::tcp::endpoint endpoint{address, config.port};
  auto& l = listener.emplace(threads.front()->home.context());
  l.open(endpoint.protocol(), e);
  if (!e) l.set_option(asio::socket_base::reuse_address(true), e); // a restart need not wait for old connections
  if (!e) l.bind(endpoint, e);
  if (!e) l.listen(backlog, e);
  if (!e) port = l.local_endpoint(e).port();
  if (!e) return {};
  listener.reset();
  return fail(
    e == asio::error::address_in_use ? ec::conflict : ec::io_error, "cannot listen on " + where + ": " + e.message());
}

worker& server::impl::least_loaded() {
  auto* best = &threads.front()->home;
  for (auto& t : threads)
    if (t->home.connections.load(std::memory_order_relaxed) < best->connections.load(std::memory_order_relaxed))
      best = &t->home;
  return *best;
}

task<> server::impl::accept() {
  auto& l = *listener;
  while (l.is_open()) {
    auto& home = least_loaded();
    auto [e, socket] = co_await l.async_accept(home.context().get_executor(), tuple_task);
    if (e == asio::error::operation_aborted || e == asio::error::bad_descriptor) co_return;
    if (e) {
      steady_timer pause{threads.front()->home.context(), accept_pause};
      co_await pause.async_wait(tuple_task);
      continue;
    }
    auto open = count.open();
    if (open >= config.connections_max + refusals_max) continue; // the socket closes here
    connection::surroundings around{config, home, open >= config.connections_max};
    connection_count::ticket ticket{count, home};
    asio::co_spawn(
      home.context().get_executor(), connection::run(std::move(socket), std::move(ticket), around), asio::detached);
  }
}

task<> server::impl::sweep(thread_of_io& t) {
  for (;;) {
    t.sweep.expires_after(config.limits.sweep_time);
    auto [e] = co_await t.sweep.async_wait(tuple_task);
    if (e) co_return;
    look_at_deadlines(t.home, config.limits);
  }
}

template <class F>
void server::impl::run_on(thread_of_io& t, F f) {
  std::promise<void> done;
  asio::post(t.home.context(), [&] {
    f();
    done.set_value();
  });
  done.get_future().wait();
}

server::server(server_config config) : impl_(std::make_unique<impl>(std::move(config))) {}

server::~server() { stop(std::chrono::milliseconds{0}); }

result<> server::start() {
  if (impl_->running) return fail(ec::bad_argument, "the server runs already");
  TROUPE_TRY(impl_->listen());
  // OpenSSL writes with write(2): without this a client that leaves kills the process.
  if (impl_->config.tls) std::signal(SIGPIPE, SIG_IGN);
  impl_->running = true;
  asio::co_spawn(impl_->threads.front()->home.context().get_executor(), impl_->accept(), asio::detached);
  for (auto& t : impl_->threads) {
    asio::co_spawn(t->home.context().get_executor(), impl_->sweep(*t), asio::detached);
    t->work.emplace(t->home.context().get_executor());
    t->thread = std::thread{[io = &t->home.context()] { io->run(); }};
  }
  return {};
}

std::uint16_t server::port() const { return impl_->port; }
worker& server::io(unsigned i) { return impl_->threads.at(i)->home; }
unsigned server::threads() const { return static_cast<unsigned>(impl_->threads.size()); }
std::size_t server::connections() const { return impl_->count.open(); }

std::size_t server::stop(std::chrono::milliseconds grace) {
  if (!impl_->running) return 0;
  impl_->running = false;
  impl::run_on(*impl_->threads.front(), [&] {
    error_code ignored;
    impl_->listener->close(ignored);
  });
  for (auto& t : impl_->threads)
    impl::run_on(*t, [&w = t->home] {
      w.draining = true;
      for (auto* c = w.first_connection(); c != nullptr; c = c->next) {
        c->closing = true; // its response will say so
        // A request that has arrived and was not looked at yet is served.
        if ((c->at == phase::idle || c->at == phase::fresh) && !c->io.has_unread()) c->io.cancel();
      }
    });
  std::size_t cut = 0;
  if (!impl_->count.wait_none(steady::now() + grace)) {
    cut = impl_->count.open();
    for (auto& t : impl_->threads)
      impl::run_on(*t, [&w = t->home, &config = impl_->config] {
        for (auto* c = w.first_connection(); c != nullptr; c = c->next) c->io.abort();
        if (config.cut) config.cut(w);
      });
    impl_->count.wait_none(steady::now() + impl_->config.limits.cut_time);
  }
  for (auto& t : impl_->threads) {
    t->work.reset();
    t->home.context().stop();
    t->thread.join();
  }
  return cut;
}

} // namespace troupe::http
