// traceparent as W3C Trace Context (https://www.w3.org/TR/trace-context/) has it, and the form between processes.
#include "core/trace_context.hpp"

#include <catch2/catch.hpp>

using namespace troupe;

namespace {
constexpr const char* example = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
}

TEST_CASE("a traceparent is read and written as the standard's own example") {
  auto c = trace_context::parse_traceparent(example);
  REQUIRE(c.has_value());
  CHECK(c->trace[0] == 0x4b);
  CHECK(c->trace[15] == 0x36);
  CHECK(c->span[0] == 0x00);
  CHECK(c->span[7] == 0xb7);
  CHECK(c->sampled);
  CHECK(c->traceparent() == example);
  CHECK_FALSE(trace_context::parse_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")->sampled);
  CHECK(trace_context::parse_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff")->sampled); // bit 0
}

TEST_CASE("a later version of traceparent is read as far as it is known") {
  CHECK(
    trace_context::parse_traceparent("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-the-future-brings"));
  CHECK(trace_context::parse_traceparent("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
  CHECK_FALSE(trace_context::parse_traceparent("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.x"));
}

TEST_CASE("what is no traceparent is none") {
  const char* text = GENERATE("", "00", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-", // 00 ends there
    "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",  // lower case alone
    "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
    "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "0x-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g");
  CAPTURE(text);
  CHECK_FALSE(trace_context::parse_traceparent(text).has_value());
}

TEST_CASE("between processes a context is 25 bytes, and anything else is none") {
  auto c = *trace_context::parse_traceparent(example);
  auto bytes = c.to_bytes();
  CHECK(bytes.size() == trace_context::bytes);
  CHECK(trace_context::from_bytes(bytes) == c);
  CHECK(c.to_request() == bytes);
  c.sampled = false;
  CHECK(trace_context::from_bytes(c.to_bytes()) == c);
  CHECK(c.to_request().empty());
  CHECK_FALSE(trace_context::from_bytes("").valid());
  CHECK_FALSE(trace_context::from_bytes(bytes + "x").valid());
  CHECK_FALSE(trace_context::from_bytes(bytes.substr(1)).valid());
  CHECK(trace_context::from_bytes(std::string(trace_context::bytes, '\0')) == trace_context{});
}
