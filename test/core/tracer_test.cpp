// Which requests are recorded, what spans say, and that nobody waits for whoever takes them.
#include "core/tracer.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <span>
#include <thread>

using namespace troupe;
using namespace std::chrono_literals;

namespace {

struct set_clock final : wall_clock {
  unix_ms now() const override { return ms; }
  unix_ms ms = 1'000'000;
};
struct set_time final : monotonic_clock {
  monotonic_time now() const override { return at; }
  monotonic_time at{5s};
};
struct seeded final : entropy {
  std::mt19937_64 numbers{42};
  void fill(bytes_span out) override {
    for (auto& b : out) b = static_cast<std::byte>(numbers());
  }
};

struct fixture {
  set_clock clock;
  set_time time;
  seeded random;
  std::shared_ptr<tracer> make(double sample, std::size_t spans_max = 100) {
    return std::make_shared<tracer>(
      tracer_options{.sample = sample, .spans_max = spans_max, .clock = &clock, .time = &time, .random = &random});
  }
};

constexpr const char* sampled = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
constexpr const char* not_sampled = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

} // namespace

TEST_CASE("the client's decision counts, whatever the share is") {
  fixture f;
  auto never = f.make(0), always = f.make(1);
  auto c = never->accept(sampled);
  CHECK(c.sampled);
  CHECK(c.traceparent() == sampled);
  CHECK_FALSE(always->accept(not_sampled).sampled);
  CHECK_FALSE(never->accept("").sampled);
  auto own = always->accept("nonsense");
  CHECK(own.sampled);
  CHECK(own.trace != trace_id{});
  CHECK(own.span == span_id{}); // nobody's child
  CHECK(always->accept("").trace != own.trace);
}

TEST_CASE("about the configured share of the other requests is recorded") {
  fixture f;
  auto some = f.make(0.25);
  int recorded = 0;
  for (int i = 0; i < 10'000; ++i) recorded += some->accept("").sampled ? 1 : 0;
  CHECK(recorded > 2'300);
  CHECK(recorded < 2'700);
}

TEST_CASE("a span says when it was, whose child it is, and what was noted") {
  fixture f;
  auto t = f.make(0);
  {
    open_span outer{t, t->accept(sampled), "outer", span_kind::server};
    f.time.at += 3ms;
    auto inner = outer.child("inner", span_kind::client);
    inner.set("bytes", std::uint64_t{7});
    f.time.at += 2ms;
    inner.failed("it broke");
    inner.end();
    CHECK_FALSE(inner);
    f.time.at += 1ms;
    outer.set("who", "me");
  }
  auto spans = t->take(10, 0ms);
  REQUIRE(spans.size() == 2);
  auto &inner = spans[0], &outer = spans[1];
  CHECK(outer.name == std::string{"outer"});
  CHECK(outer.kind == span_kind::server);
  CHECK(outer.context.trace == trace_context::parse_traceparent(sampled)->trace);
  CHECK(outer.parent == trace_context::parse_traceparent(sampled)->span);
  CHECK(outer.context.span != outer.parent);
  CHECK(outer.start_ns == 1'000'000 * std::int64_t{1'000'000});
  CHECK(outer.end_ns - outer.start_ns == 6'000'000);
  CHECK(std::get<std::string>(outer.attributes.at(0).second) == "me");
  CHECK(inner.parent == outer.context.span);
  CHECK(inner.context.trace == outer.context.trace);
  CHECK(inner.end_ns - inner.start_ns == 2'000'000);
  CHECK(std::get<std::int64_t>(inner.attributes.at(0).second) == 7);
  CHECK(inner.failed);
  CHECK(inner.failure == "it broke");
}

TEST_CASE("without a tracer, or for a request that is not sampled, nothing is recorded") {
  fixture f;
  auto t = f.make(0);
  auto yes = *trace_context::parse_traceparent(sampled), no = *trace_context::parse_traceparent(not_sampled);
  CHECK_FALSE(open_span{nullptr, yes, "x", span_kind::server});
  CHECK_FALSE(open_span{t, no, "x", span_kind::server});
  CHECK_FALSE(open_span{t, std::string_view{}, "x", span_kind::server});
  CHECK_FALSE(open_span{t, std::string_view{"nonsense"}, "x", span_kind::server});
  CHECK(open_span{t, std::string_view{yes.to_bytes()}, "x", span_kind::server});
  open_span none;
  CHECK_FALSE(none.child("y", span_kind::client));
  CHECK(none.context_bytes().empty());
  CHECK(t->count().recorded == 1);
}

TEST_CASE("spans that nobody takes are dropped and counted, at a bound") {
  fixture f;
  auto t = f.make(1, 10);
  for (int i = 0; i < 25; ++i) open_span{t, t->accept(""), "x", span_kind::server}.end();
  CHECK(t->count().recorded == 25);
  CHECK(t->count().dropped == 15);
  CHECK(t->take(7, 0ms).size() == 7);
  CHECK(t->take(7, 0ms).size() == 3);
  CHECK(t->take(7, 0ms).empty());
  t->delivered(7, true);
  t->delivered(3, false);
  CHECK(t->count().sent == 7);
  CHECK(t->count().lost == 3);
}

TEST_CASE("whoever waits for spans is woken by enough of them, and at the end") {
  fixture f;
  auto t = f.make(1);
  std::vector<span> taken;
  std::thread waits{[&] { taken = t->take(2, std::chrono::minutes{10}); }};
  open_span{t, t->accept(""), "x", span_kind::server}.end();
  open_span{t, t->accept(""), "x", span_kind::server}.end();
  waits.join();
  CHECK(taken.size() == 2);
  std::thread ends{[&] { taken = t->take(2, std::chrono::minutes{10}); }};
  t->wake();
  ends.join();
  CHECK(taken.empty());
}

TEST_CASE("a wall clock that was set is followed, its grain is not") {
  fixture f;
  auto t = f.make(1);
  f.time.at += 500us; // the wall clock still shows the same millisecond
  t->take(1, 0ms);
  CHECK(t->now_ns() == 1'000'000'500'000);
  f.clock.ms += 60'000;
  t->take(1, 0ms);
  CHECK(t->now_ns() == 1'060'000'000'000);
}
