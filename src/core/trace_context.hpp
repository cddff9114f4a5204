// trace_context: which trace a piece of work belongs to, and the span that caused it: what travels with a request, from the
// client (W3C Trace Context, header traceparent) and between processes. A plain value; none is all zeros.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace troupe {

using trace_id = std::array<std::uint8_t, 16>;
using span_id = std::array<std::uint8_t, 8>;

struct trace_context {
  static constexpr std::size_t bytes = 25; // of to_bytes()

  trace_context() = default; // not an aggregate: CAF rule 1
  trace_id trace{};
  span_id span{};
  bool sampled = false; // false: nothing is recorded, here or further on

  // Both ids are other than zero, as the standard wants them.
  bool valid() const { return trace != trace_id{} && span != span_id{}; }
  // The fields `trace` of requests between processes: ids, then the flags.
  std::string to_bytes() const;
  // What such a field is to be set to: nothing when nothing is to be recorded.
  std::string to_request() const { return sampled ? to_bytes() : std::string{}; }
  // None when they are not that: whoever sends nonsense is not traced, and is served all the same.
  static trace_context from_bytes(std::string_view);
  // "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
  std::string traceparent() const;
  // Nothing when it is malformed, or of the version ff. Of a later version than 00 the fields known here are read.
  static std::optional<trace_context> parse_traceparent(std::string_view);

  friend bool operator==(const trace_context&, const trace_context&) = default;
};

} // namespace troupe
