// http_fixture: a server on a port of the kernel's choice, handlers for each behaviour under test, a gate that
// handlers wait at, and an observer that a test can wait on.
#pragma once

#include "api/http/response.hpp"
#include "api/http/server.hpp"
#include "api/http/tokens.hpp"
#include "base/environment.hpp"
#include "support/raw_client.hpp"

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/post.hpp>

#include <charconv>
#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace troupe::test {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

class fixed_clock final : public wall_clock {
public:
  unix_ms now() const override { return 784'111'777'000; } // Sun, 06 Nov 1994 08:49:37 GMT
};

class counting_entropy final : public entropy {
public:
  void fill(bytes_span to) override {
    for (auto& b : to) b = static_cast<std::byte>(++n_);
  }

private:
  unsigned n_ = 0;
};

// Handlers wait here until the test opens it, once.
class gate {
public:
  http::task<> pass(http::asio::io_context& io) {
    timer t{io, http::steady::time_point::max()};
    {
      std::lock_guard lock{mutex_};
      if (open_) co_return;
      waiting_.push_back(&t);
    }
    changed_.notify_all();
    co_await t.async_wait(http::tuple_task);
  }
  bool wait_for_arrivals(std::size_t n) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, 10s, [&] { return waiting_.size() >= n; });
  }
  void open() {
    std::lock_guard lock{mutex_};
    open_ = true;
    for (auto* t : waiting_) http::asio::post(t->get_executor(), [t] { t->cancel(); });
  }

private:
  using timer = http::asio::basic_waitable_timer<http::steady, http::asio::wait_traits<http::steady>, http::executor>;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<timer*> waiting_;
  bool open_ = false;
};

class recording_observer final : public http::observer {
public:
  struct line {
    std::string method, target, operation;
    int status;
    std::uint64_t bytes_in, bytes_out;
  };
  void finished(const http::access_record& r) override {
    std::lock_guard lock{mutex_};
    lines.push_back(
      {std::string{r.method}, std::string{r.target}, r.operation.data(), r.status, r.bytes_in, r.bytes_out});
    changed_.notify_all();
  }
  void failed(std::string_view, std::string_view what) override {
    std::lock_guard lock{mutex_};
    failures.emplace_back(what);
  }
  void opened() override {
    std::lock_guard lock{mutex_};
    ++open;
    changed_.notify_all();
  }
  void closed() override {
    std::lock_guard lock{mutex_};
    --open;
    changed_.notify_all();
  }
  // Waits until `what` holds of this observer; false after 10 s.
  template <class What>
  bool wait(What what) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, 10s, [&] { return what(*this); });
  }
  // Until something happens, or a moment has passed: for a test that keeps doing something.
  void wait_a_little() {
    std::unique_lock lock{mutex_};
    changed_.wait_for(lock, 1ms);
  }
  std::vector<line> lines;
  std::vector<std::string> failures;
  int open = 0;

private:
  std::mutex mutex_;
  std::condition_variable changed_;
};

struct http_fixture {
  fixed_clock clock;
  counting_entropy random;
  recording_observer watcher;
  gate barrier;
  std::unique_ptr<http::server> server;

  // Deadlines that no test meets by accident; a test of one makes it short.
  http::server_config config() {
    return {.clock = clock,
      .random = random,
      .handle = [this](http::request& rq, http::response& rs) { return handle(rq, rs); },
      .render_error =
        [](const http::request* rq, const error& e, int& status, std::string_view, std::string& type) {
          if (e.code == ec::access_denied) status = 403;
          type = "text/x-error";
          return std::string{to_string(e.code)} + (rq == nullptr ? " without a request" : "");
        },
      .cut = {},
      .limits = {.cut_time = 10s, .sweep_time = 10ms},
      .watcher = &watcher};
  }
  std::uint16_t start(http::server_config c) {
    server = std::make_unique<http::server>(std::move(c));
    server->start().value();
    return server->port();
  }
  std::uint16_t start() { return start(config()); }

  http::task<> handle(http::request& rq, http::response& rs) {
    auto& path = rq.target().path;
    auto* n = rq.target().q("n");
    std::size_t count = 0;
    if (n != nullptr) std::from_chars(n->data(), n->data() + n->size(), count);
    if (count > 1'000'000'000) count = 0; // from a damaged request
    rq.operation = "Tested";
    if (path == "/hello") {
      rs.set("X-Id", rq.id());
      co_await rs.send("hello");
    } else if (path == "/path") {
      co_await rs.send(rq.target().raw_path);
    } else if (path == "/header") {
      co_await rs.send(rq.header("x-test"));
    } else if (path == "/echo" || path == "/count") {
      std::string all;
      std::vector<std::byte> piece(count != 0 ? count : 65536);
      while (auto k = co_await rq.content().read(piece)) all += as_text(bytes_view{piece}.first(k));
      if (path == "/count") all = std::to_string(all.size());
      co_await rs.send(all);
    } else if (path == "/sized" || path == "/chunked") {
      if (path == "/sized")
        co_await rs.begin(count);
      else
        co_await rs.begin();
      std::string piece(65536, 'x');
      for (auto left = count; left != 0;) {
        auto k = std::min(left, piece.size());
        co_await rs.write(as_bytes(piece).first(k));
        left -= k;
      }
    } else if (path == "/deny") {
      throw http::api_error{ec::access_denied, "no"};
    } else if (path == "/deny-after") {
      std::vector<std::byte> piece(count);
      co_await http::read_full(rq.content(), piece);
      throw http::api_error{ec::access_denied, "no"};
    } else if (path == "/boom") {
      throw std::runtime_error{"a bug"};
    } else if (path == "/midway") {
      if (rq.target().q("chunked") != nullptr)
        co_await rs.begin();
      else
        co_await rs.begin(100);
      co_await rs.write(as_bytes("0123456789"));
      throw http::api_error{ec::io_error, "too late"};
    } else if (path == "/short") {
      co_await rs.begin(100);
      co_await rs.write(as_bytes("0123456789"));
    } else if (path == "/empty") {
      rs.status = 204;
    } else if (path == "/inject") {
      rs.set("X-Evil", "a\r\nX-More: b");
      rs.set("Content-Length", "7");
      co_await rs.send();
    } else if (path == "/wait") {
      co_await barrier.pass(rq.io().context());
      co_await rs.send("waited");
    } else {
      throw http::api_error{ec::not_found, "no such page"};
    }
  }
};

inline std::string get(std::string_view target, std::string_view more = {}) {
  return "GET " + std::string{target} + " HTTP/1.1\r\nHost: x\r\n" + std::string{more} + "\r\n";
}
inline std::string put(std::string_view target, std::string_view content, std::string_view more = {}) {
  return "PUT " + std::string{target} + " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(content.size()) +
    "\r\n" + std::string{more} + "\r\n" + std::string{content};
}

} // namespace troupe::test
