// Spans on their way to a collector that answers, refuses, or hangs.
#include "roles/trace_exporter.hpp"

#include "support/print_result.hpp"
#include "support/test_tracer.hpp"

#include <catch2/catch.hpp>

#include <condition_variable>
#include <mutex>

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;

namespace {

// Answers what a test says, and lets it wait for how often it was asked.
struct scripted_collector {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<http_post_call> calls;
  result<http_post_answer> next = http_post_answer{.status = 200};
  bool hangs = false;

  result<http_post_answer> operator()(const http_post_call& c) {
    std::unique_lock lock{mutex};
    calls.push_back(c);
    changed.notify_all();
    changed.wait(lock, [&] { return !hangs; });
    return next;
  }
  void set(result<http_post_answer> r) {
    std::lock_guard lock{mutex};
    next = std::move(r);
  }
  void hang(bool yes) {
    std::lock_guard lock{mutex};
    hangs = yes;
    changed.notify_all();
  }
  void wait_for(std::size_t n) {
    std::unique_lock lock{mutex};
    REQUIRE(changed.wait_for(lock, 30s, [&] { return calls.size() >= n; }));
  }
};

trace_exporter_options options_of(scripted_collector& c) {
  trace_exporter_options o;
  o.endpoint = "http://collector:4318/v1/traces";
  o.who.instance = "node-1";
  o.interval = 1ms;
  o.pause_first = o.pause_max = 1ms;
  o.post = [&c](const http_post_call& call) { return c(call); };
  return o;
}

void record(const std::shared_ptr<tracer>& t, int spans = 1) {
  for (int i = 0; i < spans; ++i) open_span{t, sampled_context(), "x", span_kind::server}.end();
}

template <class What>
void wait_until(What what) {
  for (const auto end = std::chrono::steady_clock::now() + 30s; !what(); std::this_thread::yield())
    REQUIRE(std::chrono::steady_clock::now() < end);
}

} // namespace

TEST_CASE("spans arrive as one OTLP request, and what waits at the end is sent") {
  scripted_collector c;
  auto t = make_test_tracer();
  {
    trace_exporter e{t, options_of(c)};
    record(t);
    wait_until([&] { return t->count().sent == 1; });
    CHECK(c.calls.at(0).url == "http://collector:4318/v1/traces");
    CHECK(c.calls.at(0).headers.at(0) == std::pair<std::string, std::string>{"Content-Type", "application/json"});
    CHECK(c.calls.at(0).body.find("4bf92f3577b34da6a3ce929d0e0e4736") != std::string::npos);
    CHECK(c.calls.at(0).body.find("node-1") != std::string::npos);
    c.hang(true);
    record(t);
    c.wait_for(2); // the exporter is in it
    record(t, 3);
    c.hang(false);
  }
  CHECK(t->count().sent == 5);
}

TEST_CASE("a collector that refuses or is not there loses spans, is tried again, and takes the next ones") {
  scripted_collector c;
  auto t = make_test_tracer();
  trace_exporter e{t, options_of(c)};
  c.set(http_post_answer{.status = 503});
  record(t);
  wait_until([&] { return t->count().lost == 1; });
  c.set(fail(ec::unavailable, "connection refused"));
  record(t);
  wait_until([&] { return t->count().lost == 2; });
  c.set(http_post_answer{.status = 202});
  record(t);
  wait_until([&] { return t->count().sent == 1; });
}

TEST_CASE("while a collector hangs nobody waits: spans are kept to a bound, then dropped") {
  scripted_collector c;
  auto t = std::make_shared<tracer>(tracer_options{.sample = 0,
    .spans_max = 100,
    .clock = &system_clock_source(),
    .time = &system_monotonic_clock(),
    .random = &system_entropy()});
  trace_exporter e{t, options_of(c)};
  c.hang(true);
  record(t);
  c.wait_for(1);
  record(t, 1000); // returns
  CHECK(t->count().dropped == 900);
  c.hang(false);
  wait_until([&] { return t->count().sent == 101; });
}

TEST_CASE("nothing is sent when nothing was recorded") {
  scripted_collector c;
  auto t = make_test_tracer();
  { trace_exporter e{t, options_of(c)}; }
  CHECK(c.calls.empty());
}
