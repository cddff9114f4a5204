// Requests as spans: what a server records of each, and what it tells the client.
#include "http_fixture.hpp"
#include "support/test_tracer.hpp"

#include <catch2/catch.hpp>

using namespace troupe;
using namespace troupe::test;

namespace {

struct traced_fixture : http_fixture {
  std::shared_ptr<tracer> tracing = make_test_tracer();
  trace_context seen; // by the handler
  std::uint16_t start_traced() {
    auto c = config();
    c.tracing = tracing;
    c.surface = "test";
    c.handle = [this](http::request& rq, http::response& rs) {
      seen = rq.trace;
      return handle(rq, rs);
    };
    return start(std::move(c));
  }
  std::string from_client() { return "traceparent: " + std::string{sampled_parent} + "\r\n"; }
};

} // namespace

TEST_CASE_METHOD(traced_fixture, "a traced request is a span of its client's trace, and the client is told its id") {
  raw_client c{start_traced()};
  auto a = c.exchange(put("/count?n=10", "0123456789ab", from_client()));
  REQUIRE(a.status == 200);
  REQUIRE(watcher.wait([](auto& w) { return w.lines.size() == 1; }));
  auto spans = spans_of(*tracing);
  REQUIRE(spans.size() == 1);
  auto& s = spans[0];
  CHECK(s.name == std::string{"Tested"});
  CHECK(s.kind == span_kind::server);
  CHECK(s.context.trace == sampled_context().trace);
  CHECK(s.parent == sampled_context().span);
  CHECK(seen == s.context); // what the handler does is its child
  CHECK(a.header("traceresponse") == s.context.traceparent());
  CHECK(text_of(s, "http.request.method") == "PUT");
  CHECK(text_of(s, "http.route") == "test Tested");
  CHECK(text_of(s, "url.path") == "/count");
  CHECK(text_of(s, "http.response.status_code") == "200");
  CHECK(text_of(s, "http.request.body.size") == "12");
  CHECK(text_of(s, "http.response.body.size") == "2");
  CHECK(text_of(s, "troupe.request_id") == a.header("x-amz-request-id"));
  CHECK_FALSE(s.failed);
}

TEST_CASE_METHOD(traced_fixture, "errors of ours fail a span, errors of clients do not") {
  auto port = start_traced();
  raw_client one{port}, two{port};
  auto bug = one.exchange(get("/boom", from_client()));
  auto theirs = two.exchange(get("/nowhere", from_client()));
  CHECK(bug.header("traceresponse").size() == 55);
  REQUIRE(watcher.wait([](auto& w) { return w.lines.size() == 2; }));
  auto spans = spans_of(*tracing);
  REQUIRE(spans.size() == 2);
  CHECK(spans[0].failed);
  CHECK_FALSE(spans[1].failed);
  CHECK(text_of(spans[1], "http.response.status_code") == std::to_string(theirs.status));
}

TEST_CASE_METHOD(traced_fixture, "a request that nobody chose is served without a word about traces") {
  raw_client c{start_traced()};
  CHECK(c.exchange(get("/hello")).header("traceresponse").empty());
  CHECK(c.exchange(get("/hello", "traceparent: nonsense\r\n")).status == 200);
  auto a = c.exchange(get("/hello", "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00\r\n"));
  CHECK(a.header("traceresponse").empty());
  CHECK_FALSE(seen.sampled);
  REQUIRE(watcher.wait([](auto& w) { return w.lines.size() == 3; }));
  CHECK(tracing->count().recorded == 0);
}

TEST_CASE_METHOD(traced_fixture, "without tracing the client's header means nothing") {
  raw_client c{start()};
  CHECK(c.exchange(get("/hello", from_client())).header("traceresponse").empty());
}
