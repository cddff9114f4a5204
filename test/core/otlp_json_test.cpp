// The body of an OTLP request, letter by letter: a collector reads ids as hex and 64-bit numbers as strings.
#include "core/otlp_json.hpp"

#include <catch2/catch.hpp>

using namespace troupe;

TEST_CASE("spans are written as OTLP's JSON encoding has them") {
  span s;
  s.context = *trace_context::parse_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  s.parent = {1, 2, 3, 4, 5, 6, 7, 0xff};
  s.name = "PutObject";
  s.kind = span_kind::server;
  s.start_ns = 1'700'000'000'123'456'789;
  s.end_ns = s.start_ns + 1;
  s.attributes.emplace_back("http.response.status_code", std::int64_t{200});
  s.attributes.emplace_back("url.path", std::string{"/b/\xff\"k"});
  span root;
  root.context = s.context;
  root.name = "x";
  root.failed = true;
  root.failure = "why";
  const std::vector<span> spans{s, root};
  CHECK(otlp_json({.instance = "node-1"}, spans) ==
    R"({"resourceSpans":[{"resource":{"attributes":[)"
    R"({"key":"service.name","value":{"stringValue":"troupe"}},)"
    R"({"key":"service.instance.id","value":{"stringValue":"node-1"}}]},)"
    R"("scopeSpans":[{"scope":{"name":"troupe"},"spans":[)"
    R"({"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","parentSpanId":"01020304050607ff",)"
    R"("name":"PutObject","kind":2,"startTimeUnixNano":"1700000000123456789","endTimeUnixNano":"1700000000123456790",)"
    R"("attributes":[{"key":"http.response.status_code","value":{"intValue":"200"}},)"
    R"({"key":"url.path","value":{"stringValue":"/b/?\"k"}}]},)"
    R"({"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7",)"
    R"("name":"x","kind":1,"startTimeUnixNano":"0","endTimeUnixNano":"0","attributes":[],)"
    R"("status":{"code":2,"message":"why"}}]}]}]})");
}
