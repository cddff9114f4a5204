#include "core/trace_context.hpp"

#include "codec/text.hpp"

#include <algorithm>
#include <span>

namespace troupe {
namespace {

constexpr std::uint8_t sampled_flag = 1;
constexpr std::size_t trace_at = 3, span_at = 36, flags_at = 53, traceparent_chars = 55;

std::optional<std::uint8_t> nibble(char c) { // lower case alone, as the standard says
  if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
  return {};
}

template <std::size_t N>
bool read_hex(std::string_view text, std::array<std::uint8_t, N>& out) {
  for (std::size_t i = 0; i < N; ++i) {
    auto high = nibble(text[2 * i]), low = nibble(text[2 * i + 1]);
    if (!high || !low) return false;
    out[i] = static_cast<std::uint8_t>(*high << 4 | *low);
  }
  return true;
}

} // namespace

std::string trace_context::to_bytes() const {
  std::string out;
  out.reserve(bytes);
  out.append(trace.begin(), trace.end());
  out.append(span.begin(), span.end());
  out += static_cast<char>(sampled ? sampled_flag : 0);
  return out;
}

trace_context trace_context::from_bytes(std::string_view in) {
  trace_context c;
  if (in.size() != bytes) return c;
  std::copy_n(in.begin(), c.trace.size(), c.trace.begin());
  std::copy_n(in.begin() + c.trace.size(), c.span.size(), c.span.begin());
  c.sampled = (static_cast<std::uint8_t>(in.back()) & sampled_flag) != 0;
  return c.valid() ? c : trace_context{};
}

std::string trace_context::traceparent() const {
  return "00-" + hex_encode(std::as_bytes(std::span{trace})) + "-" + hex_encode(std::as_bytes(std::span{span})) +
    (sampled ? "-01" : "-00");
}

std::optional<trace_context> trace_context::parse_traceparent(std::string_view in) {
  if (in.size() < traceparent_chars) return {};
  std::array<std::uint8_t, 1> version{}, flags{};
  trace_context c;
  if (in[trace_at - 1] != '-' || in[span_at - 1] != '-' || in[flags_at - 1] != '-') return {};
  if (!read_hex(in, version) || !read_hex(in.substr(trace_at), c.trace) || !read_hex(in.substr(span_at), c.span) ||
    !read_hex(in.substr(flags_at), flags))
    return {};
  if (version[0] == 0xff || !c.valid()) return {};
  if (in.size() > traceparent_chars && (version[0] == 0 || in[traceparent_chars] != '-')) return {};
  c.sampled = (flags[0] & sampled_flag) != 0;
  return c;
}

} // namespace troupe
